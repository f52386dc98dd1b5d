"""The pages link to what exists, and docs/architecture.md describes this tree."""

from __future__ import annotations

import ast
import configparser
import re

import pytest

PAGES = ("README.md", "docs/*.md")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
PATH = re.compile(r"`((?:bridge|tests|docs|deploy)/[^`\s*{]*|[\w.]+\.(?:cfg|toml))`")
NAMES = re.compile(r"`(bridge/[\w/]+\.py)` \(((?:`\w+`(?:, )?)+)\)")


def pages(root):
    return [page for pattern in PAGES for page in sorted(root.glob(pattern))]


def anchors(text):
    """Return the anchors of a page's headings as Markdown readers make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in headings
    }


def defined_names(source):
    """Return the functions, methods, classes, constants and fields of a module."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@pytest.fixture
def architecture(root):
    return (root / "docs/architecture.md").read_text("utf-8")


def test_every_link_leads_to_a_page_and_a_heading(root):
    broken = []
    for page in pages(root):
        for path, anchor in LINK.findall(page.read_text("utf-8")):
            target = page.parent / path if path else page
            known = target.exists() and (
                not anchor or anchor in anchors(target.read_text("utf-8"))
            )
            if not known:
                broken.append(f"{page.name}: {path}#{anchor}")

    assert broken == []


def test_every_page_is_linked_from_the_readme(root):
    readme = (root / "README.md").read_text("utf-8")
    linked = {path for path, _ in LINK.findall(readme)}

    assert {f"docs/{page.name}" for page in (root / "docs").glob("*.md")} <= linked


def test_every_path_that_the_architecture_names_exists(root, architecture):
    paths = PATH.findall(architecture)

    assert len(paths) > 50
    assert [path for path in paths if not (root / path).exists()] == []


def test_every_name_that_the_architecture_points_at_is_defined_there(
    root, architecture
):
    missing = [
        f"{path}: {name}"
        for path, names in NAMES.findall(architecture)
        for name in re.findall(r"\w+", names)
        if name not in defined_names((root / path).read_text("utf-8"))
    ]

    assert len(NAMES.findall(architecture)) > 5
    assert missing == []


def test_the_layers_are_those_of_the_import_contract(root, architecture):
    config = configparser.ConfigParser()
    config.read(root / "setup.cfg")
    declared = config["importlinter:contract:layers"]["layers"].strip().splitlines()

    table = re.search(r"\| layer \| duty \|\n\|---\|---\|\n((?:\|.*\n)+)", architecture)
    rows = [row.split("|")[1] for row in table[1].splitlines()]

    assert [set(re.findall(r"\w+", row)) for row in rows] == [
        set(re.findall(r"\w+", line)) for line in declared
    ]
