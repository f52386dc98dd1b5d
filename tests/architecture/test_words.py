"""Prose and names use the terms of the field; `left_words.toml` lists the others.

What the tree still holds beyond that is in `words_left_today.toml`, and may only become
less. After words were removed, write the file again from the tree as it is:

    python tests/architecture/test_words.py

It prints each word that stands too often, with its places. The file is removed when
nothing is left, and from then on every word has the same maximum.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT = tomllib.loads((Path(__file__).parent / "left_words.toml").read_text("utf-8"))
TODAY = Path(__file__).parent / "words_left_today.toml"
MAX_PER_WORD = 5
PROSE = {
    word: re.compile(row["pattern"], re.IGNORECASE)
    for word, row in LEFT["words"].items()
}


def read_today():
    """Return what the tree may still hold: counts of words, lists of names."""
    nothing = {"words": {}, "names": {}}
    if not TODAY.exists():
        return nothing
    return nothing | tomllib.loads(TODAY.read_text("utf-8"))


def parsed_modules(root=ROOT):
    """Return the source and the tree of each module of the package, by path.

    Migrations are left out: what a release has shipped of them is not edited.
    """
    sources = {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in sorted((root / "bridge").rglob("*.py"))
        if "migrations/versions" not in path.as_posix()
    }
    return {path: (text, ast.parse(text)) for path, text in sources.items()}


def prose_of_module(source, tree):
    """Yield the line and text of each docstring and comment.

    A string that stands alone below a constant or a field documents it and counts.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            value = node.value.value
            if isinstance(value, str):
                yield node.lineno, value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def prose_of_page(text):
    """Yield the line and text of a Markdown page, without code and addresses."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield number, re.sub(r"`[^`]*`|\]\([^)]*\)", " ", line)


def names_of_tests(tree):
    """Yield the line and name of each test, its words apart."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")


def all_prose(root=ROOT):
    """Yield the path, line and text of everything the words are counted in."""
    for path, (source, tree) in parsed_modules(root).items():
        for line, text in prose_of_module(source, tree):
            yield path, line, text
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        for line, text in prose_of_page(page.read_text("utf-8")):
            yield page.relative_to(root).as_posix(), line, text
    for path in sorted((root / "tests").rglob("test_*.py")):
        for line, text in names_of_tests(ast.parse(path.read_text("utf-8"))):
            yield path.relative_to(root).as_posix(), line, text


def find_words(prose):
    """Return the places of each word by file, as `line: text`."""
    places = {word: defaultdict(list) for word in PROSE}
    for path, line, text in prose:
        for word, pattern in PROSE.items():
            for _ in pattern.finditer(text):
                places[word][path].append(f"{line}: {' '.join(text.split())[:100]}")
    return places


def count_words(places):
    """Count each word, without the places that are justified."""
    exceptions = LEFT.get("exceptions", {})
    return {
        word: sum(
            max(
                0,
                len(found) - exceptions.get(word, {}).get(path, {"count": 0})["count"],
            )
            for path, found in files.items()
        )
        for word, files in places.items()
    }


def left_names(modules):
    """Return the names to change, by kind of fault."""
    classes = defaultdict(set)
    faults = {kind: [] for kind in ("duplicates", "participles", "stutters", "limits")}
    for path, (_, tree) in modules.items():
        *_, package, name = Path(path).with_suffix("").parts
        if name.rstrip("s") == package.rstrip("s"):
            faults["stutters"].append(path)
        side = "simulator" if path.startswith("bridge/sandbox/") else "client"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes[side, node.name].add(path)
                if re.match(LEFT["class_names"]["participles"], node.name):
                    faults["participles"].append(f"{side}: {node.name}")
            elif (
                isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Store)
                and re.match(LEFT["constants"]["limits"], node.id)
            ):
                faults["limits"].append(f"{side}: {node.id}")
    faults["duplicates"] = [
        f"{side}: {name}" for (side, name), paths in classes.items() if len(paths) > 1
    ]
    return {kind: sorted(set(names)) for kind, names in faults.items()}


@pytest.fixture(scope="module")
def places():
    return find_words(all_prose())


@pytest.fixture(scope="module")
def names():
    return left_names(parsed_modules())


@pytest.mark.parametrize("word", PROSE)
def test_a_left_word_is_rare(places, word):
    most = read_today()["words"].get(word, MAX_PER_WORD)

    count = count_words(places)[word]

    shown = "\n".join(
        f"{path}:{place}" for path, found in places[word].items() for place in found
    )
    use = LEFT["words"][word]["use"]
    assert count <= most, f"instead of “{word}” write: {use}\n{shown}"


@pytest.mark.parametrize("kind", ["duplicates", "participles", "stutters", "limits"])
def test_names_say_what_a_thing_is(names, kind):
    """Each class name stands once on each side, and a module is not its package."""
    assert set(names[kind]) <= set(read_today()["names"].get(kind, ()))


def test_exceptions_are_still_needed_and_have_reasons(places):
    for word, files in LEFT.get("exceptions", {}).items():
        for path, exception in files.items():
            assert len(places[word][path]) >= exception["count"], f"{word}: {path}"
            assert len(exception["reason"]) > 20, f"{word}: {path}"


def test_words_are_found_in_docstrings_comments_pages_and_test_names():
    source = (
        '"""Tell it."""\nMOST_X = 1\n"""Nobody may."""\n# heed this\nvalue = "his"\n'
    )
    module = ("bridge/a/a.py", source)
    page = "He.\n\n    his\n\n```\nhim\n```\n`anew` [a](room.md) judged\n"
    test = "def test_nobody_is_told(): pass\n"

    places = find_words(
        [
            *((module[0], *at) for at in prose_of_module(source, ast.parse(source))),
            *(("page", *at) for at in prose_of_page(page)),
            *(("test", *at) for at in names_of_tests(ast.parse(test))),
        ]
    )

    assert {word for word, count in count_words(places).items() if count} == {
        *("tell", "nobody", "heed", "he", "judge", "told")
    }
    assert count_words(places)["nobody"] == 2


def test_left_names_are_found():
    source = "MOST_X = 1\nclass Kept: pass\nclass Twice: pass\n"
    modules = {
        path: (source, ast.parse(source)) for path in ("bridge/a/a.py", "bridge/b.py")
    }

    assert left_names(modules) == {
        "duplicates": ["client: Kept", "client: Twice"],
        "participles": ["client: Kept"],
        "stutters": ["bridge/a/a.py"],
        "limits": ["client: MOST_X"],
    }


def write_today():
    """Write down what the tree holds now, and print where the words stand."""
    places = find_words(all_prose())
    counts = {w: n for w, n in count_words(places).items() if n > MAX_PER_WORD}
    names = {k: n for k, n in left_names(parsed_modules()).items() if n}
    TODAY.unlink(missing_ok=True)
    if counts or names:
        lines = [
            "# Written by `python tests/architecture/test_words.py`.",
            "",
            "[words]",
        ]
        lines += [f'"{word}" = {count}' for word, count in counts.items()]
        lines += ["", "[names]"]
        for kind, found in names.items():
            lines += [f"{kind} = [", *(f'    "{name}",' for name in found), "]"]
        TODAY.write_text("\n".join(lines) + "\n", "utf-8")
    for word, count in counts.items():
        print(f"{word}: {count}")
        for path, found in places[word].items():
            print("\n".join(f"    {path}:{place}" for place in found))


if __name__ == "__main__":
    write_today()
