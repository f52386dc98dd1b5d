"""The example rules and the dashboard use metrics that `/metrics` has."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus-rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
OPERATING = ROOT / "docs" / "operating.md"
OF_PROMETHEUS = {"up"}


def rules():
    document = yaml.safe_load(RULES.read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels():
    return json.loads(DASHBOARD.read_text("utf-8"))["panels"]


def expressions():
    """Yield every expression by where it stands."""
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


@pytest.fixture(scope="module")
def samples(api, no_usage_reading):
    """The label names of each sample of the demo's `/metrics`."""
    no_usage_reading()
    assert api.get("/hubs/crm/accounts?pageSize=1").status == 200
    parts = urlsplit(api.base_url)
    with urllib.request.urlopen(f"http://{parts.netloc}/metrics", timeout=120) as got:
        text = got.read().decode()
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(("place", "expression"), list(expressions()))
def test_an_expression_uses_metrics_and_labels_that_exist(samples, place, expression):
    selectors = []

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector):
            selectors.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)

    assert selectors, place
    for selector in selectors:
        if selector.name in OF_PROMETHEUS:
            continue
        labels = {matcher.name for matcher in selector.matchers.matchers}
        assert selector.name in samples, place
        assert labels <= samples[selector.name], place
    grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \((.*?)\)", expression))))
    of_all = set().union(*(samples.get(each.name, set()) for each in selectors))
    assert grouped <= of_all | {"instance"}, place


def test_every_metric_is_described_and_every_described_one_exists(samples):
    described = set(
        re.findall(r"^\| `(bridge_\w+)`", OPERATING.read_text(), re.MULTILINE)
    )
    suffixes = re.compile(r"_(bucket|count|sum|created)$")

    assert described == {suffixes.sub("", name) for name in samples}


def test_a_rule_says_what_is_wrong_and_what_to_do():
    found = rules()

    assert len({rule["alert"] for rule in found}) == len(found)
    for rule in found:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_panels_have_numbers_of_their_own_and_do_not_overlap():
    found = panels()
    taken = set()
    for panel in found:
        area = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(area["x"], area["x"] + area["w"])
            for y in range(area["y"], area["y"] + area["h"])
        }
        assert not cells & taken
        assert area["x"] + area["w"] <= 24
        taken |= cells

    assert len({panel["id"] for panel in found}) == len(found)
