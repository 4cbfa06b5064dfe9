"""What `up` runs with what a machine has; what the hub and the language model say is told to it."""

import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from wyoming_voice import hub
from wyoming_voice.errors import ConfigError, UnknownChoice
from wyoming_voice.handle.llm.listing import Listing
from wyoming_voice.hub import Weights
from wyoming_voice.stack import Plan
from wyoming_voice.up import UpSettings, choose, listening_at, page_of


class Machine:
    """A machine with nothing on it, until a test gives it something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hub = False
        self.weights: set[str] = set()
        self.lacks: set[str] = set()
        self.models: tuple[str, ...] = ()
        self.said: list[str] = []
        monkeypatch.setattr(hub, "reachable", lambda: self.hub)
        monkeypatch.setattr(hub, "local", self.local)
        monkeypatch.setattr(importlib.util, "find_spec", self.find_spec)
        monkeypatch.setattr("wyoming_voice.handle.llm.llama_swap.look_at", self.look_at)

    def local(self, weights: Weights, _model_dir: Path | None = None) -> Path | None:
        return Path("here") if weights.name in self.weights else None

    def find_spec(self, name: str) -> ModuleSpec | None:
        return None if name in self.lacks else ModuleSpec(name, None)

    async def look_at(self, url: str, _api_key: str = "") -> Listing:
        return Listing(url, "", self.models, "" if self.models else "nobody there")

    async def plans(self) -> dict[str, tuple[str, ...]]:
        plans = await choose(None, self.said.append)
        return {plan.kind: plan.arguments[2:] for plan in plans}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


async def test_a_bare_machine_gets_the_embedded_engines_and_is_told(machine: Machine) -> None:
    assert await machine.plans() == {
        "asr": ("--engine", "pocketsphinx", "--language", "en"),
        "tts": ("--engine", "espeak"),
        "handle": ("--llm-url", "none"),
    }
    assert [line.split(":")[0] for line in machine.said] == ["asr", "tts", "handle"]
    assert "no weights of base.en here, and no hub in reach" in machine.said[0]


async def test_weights_on_the_machine_are_used_without_a_hub(machine: Machine) -> None:
    machine.weights = {"base.en", hub.KOKORO}
    machine.models = ("qwen",)
    assert await machine.plans() == {"asr": (), "tts": (), "handle": ()}
    assert machine.said == []


async def test_a_hub_in_reach_is_asked_for_what_is_not_here(machine: Machine) -> None:
    machine.hub = True
    plans = await machine.plans()
    assert (plans["asr"], plans["tts"]) == ((), ())


async def test_an_engine_that_is_not_installed(machine: Machine) -> None:
    machine.hub, machine.lacks = True, {"kokoro"}
    assert (await machine.plans())["tts"] == ("--engine", "espeak")
    assert "kokoro is not installed" in machine.said[0]


async def test_nothing_stands_in_where_nothing_can(machine: Machine) -> None:
    machine.lacks = {"pocketsphinx", "espeakng_loader"}
    plans = await machine.plans()
    assert (plans["asr"], plans["tts"]) == ((), ())  # the servers say what they lack


@pytest.mark.parametrize(
    ("name", "value", "stand_in"),
    [
        ("LANGUAGE", "de", ()),
        ("LANGUAGE", "pt-BR", ()),
        ("LANGUAGES", "de,fr", ("--languages", "en")),
    ],
)
async def test_a_language_that_the_stand_in_does_not_understand_is_told(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
    stand_in: tuple[str, ...],
) -> None:
    monkeypatch.setenv(f"WYOMING_VOICE_ASR_{name}", value)
    asr = (await machine.plans())["asr"]
    assert asr == ("--engine", "pocketsphinx", "--language", "en", *stand_in)
    told = machine.said[1]
    assert f"{value.replace(',', ', ')} (WYOMING_VOICE_ASR_{name}, [asr] {name.lower()})" in told
    assert "understands English only" in told


@pytest.mark.parametrize("language", ["auto", "en", "en-GB"])
async def test_a_language_that_the_stand_in_understands_is_not_worth_a_word(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_ASR_LANGUAGE", language)
    await machine.plans()
    assert [line.split(":")[0] for line in machine.said] == ["asr", "tts", "handle"]


@pytest.mark.parametrize(
    ("voice", "stand_in"),
    [
        ("ff_siwis", "fr"),
        ("bf_emma(2)+bf_lily", "en-gb"),
        ("jf_alpha", "en-us"),
        ("none", "en-us"),
    ],
)
async def test_a_voice_of_the_same_language_stands_in_for_kokoros(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, voice: str, stand_in: str
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_TTS_VOICE", voice)
    assert (await machine.plans())["tts"] == ("--engine", "espeak", "--voice", stand_in)
    assert f"{voice} (WYOMING_VOICE_TTS_VOICE, [tts] voice)" in machine.said[2]


async def test_a_voice_that_the_stand_in_has_is_kept(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_TTS_VOICE", "de")
    assert (await machine.plans())["tts"] == ("--engine", "espeak")


async def test_an_address_that_somebody_chose_is_kept(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_HANDLE_LLM_URL", "http://127.0.0.1:9")
    assert (await machine.plans())["handle"] == ()


async def test_a_size_that_does_not_exist_is_a_mistake_not_a_reason_to_fall_back(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WYOMING_VOICE_ASR_MODEL", "base.eng")
    with pytest.raises(UnknownChoice, match=r"did you mean 'base\.en'"):
        await machine.plans()


@pytest.mark.parametrize(
    ("uri", "host", "port", "expected"),
    [
        ("tcp://127.0.0.1:10300", "0.0.0.0", None, "tcp://0.0.0.0:10300"),
        ("tcp://127.0.0.1:10300", "127.0.0.1", 0, "tcp://127.0.0.1:0"),
        ("tcp://127.0.0.1:10300", "::1", None, "tcp://[::1]:10300"),
        ("unix:///run/asr.sock", "127.0.0.1", 0, "tcp://127.0.0.1:0"),
    ],
)
def test_listening_elsewhere(uri: str, host: str, port: int | None, expected: str) -> None:
    plan = listening_at(Plan("asr", ("--uri", uri)), host, port)
    assert plan.arguments[-2:] == ("--uri", expected)


def test_a_host_does_not_go_with_a_socket() -> None:
    with pytest.raises(ConfigError, match="leave one out"):
        listening_at(Plan("asr", ("--uri", "unix:///run/asr.sock")), "0.0.0.0")


@pytest.mark.parametrize(
    ("host", "door", "opened", "others"),
    [
        ("", "tcp://127.0.0.1:8000", "http://localhost:8000", False),
        ("127.0.0.1", "tcp://127.0.0.1:8000", "http://localhost:8000", False),
        ("0.0.0.0", "tcp://127.0.0.1:8000", "http://localhost:8000", True),
        ("0.0.0.0", "tcp://0.0.0.0:8443", "http://localhost:8443", False),
        ("::", "tcp://[fd00::1]:8000", "http://[fd00::1]:8000", False),
    ],
)
def test_where_the_page_is_and_how_others_get_to_it(
    host: str, door: str, opened: str, others: bool
) -> None:
    first, _, more = page_of({"gateway": door}, UpSettings(host=host)).partition("\n")
    assert first == f"the page: open {opened}"
    wanted = "WYOMING_VOICE_GATEWAY_HTTP=tcp://0.0.0.0:8000 WYOMING_VOICE_GATEWAY_API_KEY_FILE=keys"
    assert (wanted in more) == others == bool(more)
    assert page_of({}, UpSettings(host=host)) == ""


def test_a_page_with_a_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CERT", "KEY"):
        monkeypatch.setenv(f"WYOMING_VOICE_GATEWAY_TLS_{name}", "some.pem")
    told = page_of({"gateway": "tcp://127.0.0.1:8000"}, UpSettings())
    assert told == "the page: open https://localhost:8000\n"
