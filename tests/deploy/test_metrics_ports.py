"""One port of metrics for each kind of process, the same in everything under `deploy`."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from wyoming_voice.wire import parse_uri

DEPLOY = Path(__file__).parents[2] / "deploy"
PORTS = {"asr": 9300, "tts": 9200, "handle": 9500, "gateway": 9800}
SATELLITE = 9700
ADD_ON = "home-assistant-addon"


def read(*parts: str) -> str:
    return DEPLOY.joinpath(*parts).read_text(encoding="utf-8")


def test_haproxy_asks_there() -> None:
    backends = re.findall(
        r"^backend (\w+)$.*?connect port (\d+)$", read("haproxy", "haproxy.cfg"), re.M | re.S
    )
    assert {kind: int(port) for kind, port in backends} == {
        kind: PORTS[kind] for kind in ("asr", "tts", "handle")
    }


def test_its_readme_has_servers_listen_there() -> None:
    text = read("haproxy", "README.md")
    assert f"--metrics-uri tcp://0.0.0.0:{PORTS['asr']} " in text
    assert f"(ASR {PORTS['asr']}, TTS {PORTS['tts']}, handle {PORTS['handle']})" in text


def test_prometheus_asks_there() -> None:
    text = read("prometheus", "prometheus.yml")
    noted = dict(re.findall(r"- voice\.local:(\d+) # (\w+)", text))
    assert {kind: int(port) for port, kind in noted.items()} == PORTS
    satellites = yaml.safe_load(text)["scrape_configs"][1]["static_configs"][0]["targets"]
    assert {target.rpartition(":")[2] for target in satellites} == {str(SATELLITE)}


@pytest.mark.parametrize("kind", PORTS)
def test_pods_listen_there(kind: str) -> None:
    told = tomllib.loads(read("kubernetes", "base", "voice.toml"))
    assert parse_uri(told[kind]["metrics_uri"]).port == PORTS[kind]


def test_compose_asks_there() -> None:
    found = re.findall(r"127\.0\.0\.1:(\d+)", _handle_in_compose())
    assert found == [str(PORTS["handle"])] * 2


def test_an_add_on_is_asked_where_it_listens() -> None:
    """One port for all three: nobody outside its container sees it."""
    listens = re.findall(r'"metrics_uri": "tcp://127\.0\.0\.1:(\d+)"', read(ADD_ON, "start.py"))
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)/health", read(ADD_ON, "Dockerfile"))
    assert listens == asked
    assert len(asked) == 1


def _handle_in_compose() -> str:
    """What is written of the handle server."""
    text = read("compose", "compose.yaml")
    return text[text.index("\n  handle:") : text.index("\n  gateway:")]
