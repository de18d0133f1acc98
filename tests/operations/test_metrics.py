"""What an operator is given to watch: each query names metrics that there are, and the alerts come when they should."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools/metrics.py"
RULES = ROOT / "helm/immichvr/files/rules/immichvr.yaml"
DASHBOARD = ROOT / "helm/immichvr/files/dashboards/immichvr.json"
PROMTOOL = shutil.which("promtool")
WITHOUT = "promtool is not here: Debian's package prometheus holds it"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


@pytest.fixture
def promtool() -> str:
    if PROMTOOL is None:
        assert not os.environ.get("IMMICHVR_REQUIRE_PROMTOOL"), WITHOUT
        pytest.skip(WITHOUT)
    return PROMTOOL


def test_the_page_and_the_dashboard_are_what_the_metrics_make_of_them() -> None:
    checked = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_query_names_metrics_that_there_are(tool) -> None:
    queries = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    queries += [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel.get("targets", [])
    ]
    assert len(queries) > 20
    for query in queries:
        assert "immichvr_" in query
        assert tool["unknown"](query) == set(), query
    assert tool["unknown"]("rate(immichvr_phase_seconds_count[5m]) / immichvr_wishes_total") == {
        "immichvr_wishes_total"
    }


def test_every_label_a_query_groups_by_is_one_of_its_metrics(tool) -> None:
    """`instance` is Prometheus' own, `le` a histogram's."""
    labels = {sample: {*one.labels, "instance", "le"} for one in tool["declared"]() for sample in one.samples}
    text = RULES.read_text() + DASHBOARD.read_text().replace('\\"', '"')
    for by, metric in re.findall(r"by \(([\w, ]+)\) \((?:\w+\()?(immichvr_\w+)", text):
        assert {*by.split(", ")} <= labels[metric], (by, metric)


def test_the_alerts_come_when_they_should_and_not_before(promtool: str) -> None:
    for arguments in (["check", "rules", str(RULES)], ["test", "rules", "alerts.test.yaml"]):
        ran = subprocess.run([promtool, *arguments], cwd=Path(__file__).parent, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_has_words_and_a_test() -> None:
    tests = yaml.safe_load(Path(__file__).with_name("alerts.test.yaml").read_text())["tests"]
    expected = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    rules = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == expected
    assert all({*rule["annotations"]} == {"summary", "description"} for rule in rules)
