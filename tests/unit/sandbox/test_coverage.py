"""The report on what is simulated: true to the code, and the one that is printed."""

import importlib
import re
from pathlib import Path

from bridge.sandbox import coverage
from bridge.sandbox.control.endpoints import Control
from bridge.sandbox.control.fault_queue import FaultKind

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"
SOURCES = {"help", "captured", "clients", "rest", "stack", ""}


def test_the_page_ends_with_the_report_of_this_code():
    page = PAGE.read_text(encoding="utf-8")

    _, heading, rest = page.partition(coverage.HEADING)

    assert heading + rest == coverage.report(), (
        "docs/simulator.md is stale: replace its last part, from the heading on, "
        "by what `bridge sandbox --coverage` prints"
    )


def test_rules_name_modules_and_sources_that_exist():
    for rule in coverage.rules():
        assert rule.source in SOURCES, rule
        assert "|" not in rule.says, rule
        if rule.module:
            importlib.import_module(f"bridge.sandbox.{rule.module}")


def test_all_operations_and_entities_are_listed():
    report = coverage.report()

    assert report.count("\n| `") >= 14 + 16
    for name in ("Account", "TicketHistory", "WorkTypeModifier"):
        assert f"\n| {name} | " in report


def test_the_page_names_every_control_path_and_kind_of_fault():
    page = PAGE.read_text(encoding="utf-8")

    paths = dict(re.findall(r"\| `/sandbox/([a-z]+)` \| ([A-Z, ]+) \|", page))

    assert paths == {path: ", ".join(rows) for path, rows in Control.ROUTES.items()}
    for kind in FaultKind:
        assert re.search(rf"^\| .*`{kind}`", page, re.MULTILINE), kind
