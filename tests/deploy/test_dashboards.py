"""The dashboard and the alerts: each number in them is told by somebody, and Prometheus takes the queries."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.metrics_pages import all_pages, names_of
from tests.deploy.prometheus import prometheus
from tests.metrics_client import MetricsClient
from wyoming_voice.cli import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "wyoming-voice.json").read_text(encoding="utf-8")
)
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
KINDS = {"asr", "tts", "handle", "gateway", "satellite"}
_NAME = re.compile(r"\b(?:wyoming_voice|process|python)_\w+")
_RARE = {"Errors by code", "Requests by outcome"}
"""Panels that show nothing while nobody asks for anything."""

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on PATH (apt install prometheus)"
)


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


async def test_every_number_in_them_is_told_by_somebody(tmp_path: Path) -> None:
    async with all_pages(tmp_path) as ports:
        told = set[str]().union(*[await names_of(port) for port in ports.values()])
    shown = {name for panel in PANELS for text in queries(panel) for name in _NAME.findall(text)}
    watched = {name for rule in RULES for name in _NAME.findall(rule["expr"])}
    assert len(shown) > 40
    assert (shown | watched) - told == set()


@needs_promtool
async def test_the_pages_are_as_prometheus_wants_them(tmp_path: Path) -> None:
    async with all_pages(tmp_path) as ports:
        pages = [(await MetricsClient(port).get("/metrics"))[1] for port in ports.values()]
    assert [_mistakes_in(page) for page in pages] == [b""] * len(KINDS)


def _mistakes_in(page: bytes) -> bytes:
    said = subprocess.run(("promtool", "check", "metrics"), input=page, capture_output=True)
    return said.stdout + said.stderr


def test_each_panel_has_a_unit_words_and_a_place() -> None:
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    assert all(panel["description"].endswith(".") for panel in PANELS)
    assert all(target["legendFormat"] for panel in PANELS for target in panel["targets"])
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        columns = range(place["x"], place["x"] + place["w"])
        cells = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not taken & cells
        taken |= cells


def test_the_dashboard_asks_the_source_that_was_chosen() -> None:
    variables = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert variables == ["datasource", "kind", "instance"]
    targets = [target for panel in PANELS for target in panel["targets"]]
    sources = [source["datasource"] for source in (*PANELS, *targets)]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert all("$kind" in target["expr"] and "$instance" in target["expr"] for target in targets)
    assert set(re.findall(r"\$(\w+)", json.dumps(PANELS))) <= {*variables, "__rate_interval"}


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in RULES:
        assert rule["for"]
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"].endswith(".")
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_what_an_alert_tells_to_do_can_be_done() -> None:
    readme = (DEPLOY.parent / "README.md").read_text(encoding="utf-8")
    told = "".join(rule["annotations"]["action"] for rule in RULES)
    named = re.findall(r"--[a-z][a-z-]+", told)
    assert len(named) > 8
    assert all(f"`{name}" in readme for name in named)
    units = {path.stem for path in (DEPLOY.parent / "systemd").glob("*.service")}
    assert set(re.findall(r"systemctl status (wyoming\S+?)`", told)) <= units
    commands = set(re.findall(r"`wyoming-voice (\w+)", told))
    assert commands <= set(COMMANDS)


@needs_promtool
def test_what_fires_and_what_does_not() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())["tests"]
    samples = [sample["labels"] for test in tests for sample in _expected(test)]
    assert all(any(rule["alert"] in labels for labels in samples) for rule in RULES)
    for command in (
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "--lint-fatal", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
    ):
        said = subprocess.run(
            ("promtool", *command), cwd=DEPLOY / "prometheus", capture_output=True, text=True
        )
        assert said.returncode == 0, said.stdout + said.stderr


def _expected(test: dict[str, Any]) -> list[dict[str, Any]]:
    return [sample for one in test["promql_expr_test"] for sample in one["exp_samples"]]


@pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is not on PATH (apt install prometheus)"
)
async def test_prometheus_answers_each_panel(tmp_path: Path) -> None:
    """A real Prometheus asks the real pages; then each panel asks it."""
    async with all_pages(tmp_path) as ports, prometheus(tmp_path, ports) as asked:
        await asked.until("count(count_over_time(process_open_fds[1h]) >= 3)", len(ports))
        empty = set()
        for panel in PANELS:
            answers = [await asyncio.to_thread(asked.query, _filled(q)) for q in queries(panel)]
            if not any(answers):
                empty.add(panel["title"])
        variables = DASHBOARD["templating"]["list"]
        labels = re.match(r"label_values\((\w+), kind\)", variables[1]["definition"])
        assert labels is not None
        rows = await asyncio.to_thread(asked.query, labels[1])
    assert {row["metric"]["kind"] for row in rows} == KINDS
    assert empty <= _RARE


def _filled(query: str) -> str:
    for name, value in (("kind", ".*"), ("instance", ".*"), ("__rate_interval", "10s")):
        query = query.replace(f"${name}", value)
    return query
