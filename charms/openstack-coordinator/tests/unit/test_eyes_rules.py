"""Alert rules and dashboard ask for what the charm exposes, and alert when somebody must know."""

from __future__ import annotations

import itertools
import json
import pathlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import metrics
import pytest
import yaml
from charms.openstack_coordinator.v0 import cos_agent

HERE = pathlib.Path(__file__).parent
SRC = HERE.parents[1] / "src"
RULES = SRC / "prometheus_alert_rules"
REFERENCE = HERE.parents[3] / "docs" / "reference" / "metrics.md"
DASHBOARDS = sorted((SRC / "grafana_dashboards").glob("*.json"))
CASES = sorted((HERE / "alerts").glob("*.yaml"))
LABELS = {
    "juju_model": "openstack",
    "juju_model_uuid": "a1b2",
    "juju_application": "openstack-coordinator",
    "juju_charm": "openstack-coordinator",
}
UNIT = {**LABELS, "juju_unit": "openstack-coordinator/0"}
OTHER = {**UNIT, "juju_model_uuid": "c3d4"}
KNOWN = {family.name: family for family in metrics.CATALOGUE}
BY_JUJU = {*UNIT}
"""Labels that the collector adds to what it scrapes."""


def promtool(*arguments: str, given: str = "") -> str:
    found = shutil.which("promtool")
    assert found, "promtool is missing: sandbox/install.sh --dev installs it"
    done = subprocess.run(
        [found, *arguments], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    groups = cos_agent.rule_groups(RULES, LABELS)
    return [rule for group in groups for rule in group["rules"]]


def panels() -> Iterator[dict[str, Any]]:
    for path in DASHBOARDS:
        yield from json.loads(path.read_text())["panels"]


def asked() -> list[str]:
    """Every expression of a rule or of a dashboard, with its variables filled in."""
    found = [rule["expr"] for rule in rules()]
    for panel in panels():
        found += [target["expr"] for target in panel.get("targets", ())]
    filled = {"$juju_model": ".+", "$juju_application": ".+", "$__rate_interval": "5m"}
    for name, value in filled.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def _selector(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _case(path: pathlib.Path) -> dict[str, Any]:
    """A case with the labels filled in that every series and every alert has."""
    document = yaml.safe_load(path.read_text())
    units = {"UNIT0": UNIT, "UNIT1": {**UNIT, "juju_unit": "openstack-coordinator/1"}}
    by_application = {name: UNIT[name] for name in LABELS}
    for test in document["tests"]:
        for series in test["input_series"]:
            for mark, labels in {**units, "OTHER": OTHER}.items():
                series["series"] = series["series"].replace(mark, _selector(labels))
        for check in test["alert_rule_test"]:
            for alert in check["exp_alerts"]:
                expected = alert["exp_labels"]
                for mark, labels in {**units, "APPLICATION": by_application}.items():
                    if mark in expected:
                        del expected[mark]
                        expected.update(labels)
    return document


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_alert_comes_when_somebody_must_know_and_not_before(
    path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    # What an annotation says is looked at below; promtool would have it repeated word for word.
    groups = cos_agent.rule_groups(RULES, LABELS)
    plain = [
        {**group, "rules": [{**rule, "annotations": {}} for rule in group["rules"]]}
        for group in groups
    ]
    document = {**_case(path), "rule_files": ["all.yaml"]}
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"groups": plain}))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(document))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "test.yaml"))


def test_every_alert_is_tested_with_a_time_at_which_it_is_silent_and_one_at_which_it_is_not() -> (
    None
):
    checks = [
        check
        for path in CASES
        for test in yaml.safe_load(path.read_text())["tests"]
        for check in test["alert_rule_test"]
    ]
    alerts = {rule["alert"] for rule in rules()}
    assert {c["alertname"] for c in checks if c["exp_alerts"]} == alerts
    assert {c["alertname"] for c in checks if not c["exp_alerts"]} == alerts


def test_rules_and_dashboard_ask_only_for_metrics_and_labels_that_the_charm_exposes() -> None:
    for expression in asked():
        names = set(re.findall(r"\bopenstack_coordinator_\w+", expression))
        assert names, expression
        assert names <= KNOWN.keys(), expression
        labels = {label for name in names for label in KNOWN[name].labels} | BY_JUJU
        matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
        grouped = re.findall(r"(?:by|on)\s*\(([^)]*)\)", expression)
        used = {*matched, *(one.strip() for group in grouped for one in group.split(","))}
        assert used <= labels, expression


def test_every_metric_is_asked_for_by_a_rule_or_shown() -> None:
    text = "\n".join(asked())
    assert [name for name in KNOWN if not re.search(rf"\b{name}\b", text)] == []


def test_prometheus_takes_every_rule_and_every_question_of_the_dashboard(
    tmp_path: pathlib.Path,
) -> None:
    questions = [
        {"record": f"question:{number}", "expr": expression}
        for number, expression in enumerate(asked())
    ]
    groups = [
        *cos_agent.rule_groups(RULES, LABELS),
        {"name": "questions", "rules": questions},
    ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"groups": groups}))
    promtool("check", "rules", "--lint=none", str(tmp_path / "all.yaml"))


def test_every_alert_says_what_is_wrong_and_what_to_do_by_labels_that_it_has() -> None:
    for rule in rules():
        said = rule["annotations"]
        assert set(said) == {"summary", "description"}, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        names = set(re.findall(r"\bopenstack_coordinator_\w+", rule["expr"]))
        labels = {label for name in names for label in KNOWN[name].labels} | BY_JUJU
        used = set(re.findall(r"\$labels\.(\w+)", " ".join(said.values())))
        assert used <= labels, rule["alert"]


def test_no_two_panels_of_a_dashboard_share_an_id_or_a_place() -> None:
    shown = list(panels())
    assert len({panel["id"] for panel in shown}) == len(shown)
    for one, other in itertools.combinations([panel["gridPos"] for panel in shown], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


def test_every_panel_asks_the_prometheus_that_the_viewer_chose() -> None:
    for panel in panels():
        for target in panel.get("targets", ()):
            assert target["datasource"]["uid"] == "${prometheusds}"
            assert "$juju_model" in target["expr"], panel["title"]


def test_the_reference_tells_every_metric_with_its_labels_and_every_alert() -> None:
    lines = set(REFERENCE.read_text().splitlines())
    for family in metrics.CATALOGUE:
        labels = ", ".join(f"`{label}`" for label in family.labels)
        assert f"| `{family.name}` | {labels} | {family.help} |" in lines
    for rule in rules():
        start = f"| `{rule['alert']}` | {rule['labels']['severity']} | "
        assert sum(line.startswith(start) for line in lines) == 1, rule["alert"]
