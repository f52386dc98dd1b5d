"""The coverage report: made from the code, and printed in the documentation."""

import ast
import re
from pathlib import Path
from typing import get_args

import bridge.sandbox
from bridge.sandbox import coverage
from bridge.sandbox.control.endpoints import ControlEndpoints
from bridge.sandbox.control.fault_queue import FaultKind
from bridge.sandbox.declarations import Source, rule

PACKAGE = Path(bridge.sandbox.__file__).parent
PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"
SOURCES = set(get_args(Source))


def marks(path):
    """Return the arguments of every `@rule` in a file, as they are written."""
    return [
        ast.literal_eval(ast.Tuple([*mark.args, mark.keywords[0].value]))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for mark in getattr(node, "decorator_list", ())
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "rule"
    ]


def test_the_page_ends_with_the_report_of_this_code():
    page = PAGE.read_text(encoding="utf-8")

    _, heading, rest = page.partition(coverage.HEADING)

    assert heading + rest == coverage.report(), (
        "docs/simulator.md is stale: replace its last part, from the heading on, "
        "by what `bridge sandbox --coverage` prints"
    )


def test_no_rule_is_lost():
    rules = coverage.all_rules()
    implemented = [found for found in rules if found.implemented]

    assert len(rules) == 141
    assert len(implemented) == 124
    assert sum(found.source != "unverified" for found in implemented) == 106


def test_every_rule_has_a_known_source_and_fits_a_table():
    for found in coverage.all_rules():
        assert found.source in SOURCES, found
        assert "|" not in found.text, found
    assert len({(r.subject, r.text) for r in coverage.all_rules()}) == 141


def test_every_mark_in_the_code_is_reported():
    reported = {
        (found.subject, found.text, found.source)
        for found in coverage.all_rules()
        if found.implemented
    }
    marked = [mark for path in sorted(PACKAGE.rglob("*.py")) for mark in marks(path)]

    assert len(marked) == len(reported)
    assert set(marked) == reported


def test_marking_a_function_only_marks_it():
    def function():
        return 1

    before = coverage.all_rules()

    assert rule("Query", "A", source="help")(function) is function
    assert coverage.all_rules() == before


def test_all_operations_and_entities_are_listed():
    report = coverage.report()

    assert report.count("\n| `") >= 14 + 16
    for name in ("Account", "TicketHistory", "WorkTypeModifier"):
        assert f"\n| {name} | " in report


def test_the_page_names_every_control_path_and_kind_of_fault():
    page = PAGE.read_text(encoding="utf-8")

    paths = dict(re.findall(r"\| `/sandbox/([a-z]+)` \| ([A-Z, ]+) \|", page))

    assert paths == {
        path: ", ".join(rows) for path, rows in ControlEndpoints.ROUTES.items()
    }
    for kind in FaultKind:
        assert re.search(rf"^\| .*`{kind}`", page, re.MULTILINE), kind
