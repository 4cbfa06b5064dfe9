"""A server that ends utterances itself: the transcript comes before audio-stop, once, and not too soon."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping

from tests.asr.driving import LIGHT, program_of
from tests.asr.fakes import ScriptedEngine
from tests.asr.speech import chunk, said, silence, stop, utterance
from tests.wire_client import WireClient, client_of
from wyoming_voice.asr.ending import Ending, OwnEndpoint
from wyoming_voice.asr.engine import Audio
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.completeness import Completeness
from wyoming_voice.core.endpointing import SILENCES
from wyoming_voice.core.opinions import Witness
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.describing import Description
from wyoming_voice.errors import ConfigError
from wyoming_voice.service import serving

COMPLETE, OPEN, UNKNOWN = Completeness.COMPLETE, Completeness.OPEN, Completeness.UNKNOWN
WORDS, SOUND = Witness.WORDS, Witness.SOUND
OWN = {"endpointing": True, "endpoint": "fixed"}
BEFORE_S = 1.5
"""More than any silence that ends an utterance by default."""


@contextlib.asynccontextmanager
async def served(engine: ScriptedEngine, **changed: object) -> AsyncIterator[WireClient]:
    program = program_of(engine, **{**OWN, **changed})
    async with serving(program, program.settings) as address, client_of(address) as client:
        yield client


def talk(*parts: Audio, **asked: object) -> list[Event]:
    """An utterance without its audio-stop."""
    return utterance(np.concatenate(parts), chunk_ms=40, **asked)[:-1]


async def kinds(client: WireClient, *events: Event) -> list[tuple[str, object]]:
    """What comes until these events have been taken in, the transcripts with their text."""
    await client.send(*events, Ping(text="end").event())
    answers = await client.read_until("pong")
    return [(event.type, event.data.get("text")) for event in answers[:-1]]


async def test_the_transcript_comes_before_the_end_of_the_audio() -> None:
    async with served(ScriptedEngine("one", "two")) as client:
        assert await transcript(client, *talk(said(LIGHT), silence(BEFORE_S))) == "one"
        late = [chunk(to_pcm16(said(LIGHT))), chunk(to_pcm16(silence(BEFORE_S)))]
        assert await kinds(client, *late, stop(), stop()) == []


async def test_an_utterance_after_it_is_another() -> None:
    engine = ScriptedEngine("one", "two", "three")
    async with served(engine) as client:
        for text, ended in (("one", [stop()]), ("two", []), ("three", [chunk(b"ab"), stop()])):
            assert await transcript(client, *talk(said(LIGHT), silence(BEFORE_S))) == text
            assert await kinds(client, *ended) == []
    assert len(engine.calls) == 3


async def test_an_audio_stop_before_it_ends_the_utterance_as_ever() -> None:
    async with served(ScriptedEngine("one", "two")) as client:
        for text in ("one", "two"):
            assert await transcript(client, *talk(said(LIGHT)), stop()) == text
        assert await kinds(client) == []


async def transcript(client: WireClient, *events: Event) -> str:
    """The one answer to these events."""
    await client.send(*events)
    reply = await client.read()
    assert reply is not None
    assert reply.type == "transcript"
    return str(reply.data["text"])


@pytest.mark.parametrize(
    ("sensitivity", "ends"),
    [("aggressive", True), ("default", False), ("relaxed", False), ("what?", False), (None, False)],
)
async def test_the_client_says_how_long_a_pause_may_be(sensitivity: str, ends: bool) -> None:
    pause_s = (SILENCES["aggressive"].plain_ms + SILENCES["default"].plain_ms) / 2000
    asked = {"vad_sensitivity": sensitivity} if sensitivity else {}
    async with served(ScriptedEngine()) as client:
        talking = talk(said(LIGHT), silence(pause_s - 0.4), **asked)
        if ends:
            assert await transcript(client, *talking) == "hello"
        else:
            assert await kinds(client, *talking) == []
            assert await transcript(client, stop()) == "hello"


async def test_nobody_speaks() -> None:
    engine = ScriptedEngine()
    async with served(engine, no_speech_s=2) as client:
        assert await kinds(client, *talk(silence(1.9))) == []
        assert await transcript(client, *[chunk(to_pcm16(silence(0.1)))] * 3) == ""
        assert await kinds(client, stop()) == []
    assert engine.calls == []


async def test_somebody_speaks_without_end() -> None:
    engine = ScriptedEngine()
    endless = np.tile(said(LIGHT)[4000:24_000], 8)
    async with served(engine, max_speech_s=4) as client:
        assert await transcript(client, *talk(endless)) == "hello"
        assert await kinds(client, stop()) == []
    assert sum(duration_s for duration_s, _ in engine.calls) < 4.5


async def test_one_request_may_do_without() -> None:
    async with served(ScriptedEngine(), no_speech_s=1) as client:
        asked = {"context": {"endpointing": False}}
        assert await kinds(client, *talk(said(LIGHT), silence(3), **asked)) == []
        assert await transcript(client, stop()) == "hello"
        assert await transcript(client, *talk(said(LIGHT), silence(BEFORE_S))) == "hello"


@pytest.mark.parametrize(
    ("text", "pause_s", "ends"),
    [("Stop.", 0.6, True), ("Turn on the", 1.0, False), ("Turn on the", 2.0, True)],
)
async def test_the_words_say_how_long_a_pause_may_be(text: str, pause_s: float, ends: bool) -> None:
    engine = ScriptedEngine(text)
    program = program_of(engine, endpointing=True)
    asked = {"context": {"speculative": True}}
    async with serving(program, program.settings) as address, client_of(address) as client:
        await client.send(*talk(said(LIGHT), **asked))
        supposed = await client.read()
        assert supposed is not None
        assert supposed.type == "speculative-transcript"
        answers = await kinds(client, *talk(silence(pause_s - 0.4))[2:])
        answers += await kinds(client)
    assert [kind for kind, _ in answers] == (["transcript"] if ends else [])


async def test_one_long_chunk_does_not_keep_it_from_ending() -> None:
    """As of a client that sends what it has from before the wake word, and then as it hears."""
    async with served(ScriptedEngine()) as client:
        first, *rest = talk(np.concatenate((silence(1.5), said(LIGHT))), silence(BEFORE_S))
        whole = b"".join(event.payload or b"" for event in rest)
        chunks = [
            whole[:60_000],
            *(whole[at : at + 1280] for at in range(60_000, len(whole), 1280)),
        ]
        start = [event for event in (first, *rest) if event.type != "audio-chunk"]
        assert await transcript(client, *start, *map(chunk, chunks)) == "hello"


async def test_a_connection_learns_how_its_speaker_pauses() -> None:
    engine = ScriptedEngine("Turn on the", "Stop.")
    program = program_of(engine, endpointing=True)
    async with serving(program, program.settings) as address, client_of(address) as client:
        await client.send(*talk(said(LIGHT), context={"speculative": True}))
        assert (await client.read_until("speculative-transcript"))[-1].data["text"] == "Turn on the"
        await client.send(*talk(silence(0.2), said(LIGHT))[2:])
        assert (await client.read_until("speculative-transcript"))[-1].data["text"] == "Stop."
        assert await transcript(client, stop()) == "Stop."
        await client.send(*talk(said(LIGHT), context={"speculative": True}))
        await client.read_until("speculative-transcript")
        assert await kinds(client, *talk(silence(0.2))[2:]) == []
        assert await transcript(client, stop()) == "Stop."


class Judge:
    """Thinks of every sound the same."""

    def __init__(self, opinion: Completeness) -> None:
        self.opinion = opinion
        self.heard_s: list[float] = []

    def completeness(self, audio: Audio) -> Completeness:
        self.heard_s.append(len(audio) / 16_000)
        return self.opinion


@pytest.mark.parametrize(
    ("text", "opinion", "ends"),
    [("Stop.", OPEN, False), ("hello", COMPLETE, True), ("hello", UNKNOWN, False)],
)
async def test_the_sound_says_how_long_a_pause_may_be(
    text: str, opinion: Completeness, ends: bool
) -> None:
    judge = Judge(opinion)
    program = program_of(ScriptedEngine(text), endpointing=True)
    program.house = replace(program.house, judge=judge)
    async with serving(program, program.settings) as address, client_of(address) as client:
        await client.send(*talk(said(LIGHT), context={"speculative": True}))
        await client.read_until("speculative-transcript")
        answers = await kinds(client, *talk(silence(0.2))[2:])
        answers += await kinds(client)
    assert [kind for kind, _ in answers] == (["transcript"] if ends else [])
    assert len(judge.heard_s) == 1
    assert 1 < judge.heard_s[0] <= 8


async def test_the_sound_is_judged_where_the_server_decides_alone() -> None:
    judge = Judge(COMPLETE)
    program = program_of(ScriptedEngine(), endpointing=True)
    program.house = replace(program.house, judge=judge)
    async with serving(program, program.settings) as address, client_of(address) as client:
        asked = {"context": {"speculative": True, "endpointing": False}}
        await client.send(*talk(said(LIGHT), **asked))
        await client.read_until("speculative-transcript")
    assert not judge.heard_s


@pytest.mark.parametrize(
    ("changed", "listens"),
    [
        ({}, True),
        ({"endpointing": False}, False),
        ({"endpoint": "fixed"}, False),
        ({"speculate_after_ms": 0}, False),
        ({"smart_turn": False}, False),
    ],
)
def test_smart_turn_is_loaded_where_it_changes_anything(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, object], listens: bool
) -> None:
    monkeypatch.setattr("wyoming_voice.asr.server.SmartTurn", lambda: Judge(UNKNOWN))
    program = program_of(ScriptedEngine(), **{"endpointing": True, "smart_turn": True, **changed})
    assert isinstance(program.house.judge, Judge) is listens


def test_smart_turn_without_its_model_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wyoming_voice.smart_turn._WHEEL", "no-such-wheel")
    with pytest.raises(ConfigError, match="pip install --no-deps"):
        program_of(ScriptedEngine(), endpointing=True, smart_turn=True)


async def test_info_says_who_decides() -> None:
    for endpointing in (True, False):
        async with served(ScriptedEngine(), endpointing=endpointing) as client:
            await client.send(Describe().event())
            event = await client.read()
            assert event is not None
            (program,) = Description.of(event).asr
            assert program.requires_external_vad is not endpointing


def test_a_server_without_a_detector_cannot_decide() -> None:
    asked = AsrSettings(endpointing=True, no_vad_gate=True)
    with pytest.raises(ConfigError, match="--no-vad-gate"):
        AsrProgram(asked, [ScriptedEngine()])


def ending_of(pauses: Pauses | None = None, *, dynamic: bool = False) -> Ending:
    own = OwnEndpoint(threshold=0.3, max_speech_s=10, no_speech_s=2, dynamic=dynamic)
    return Ending(own.settings(None), pauses or Pauses())


def ended_after(levels: list[float], *, spoken: bool, ending: Ending | None = None) -> int | None:
    """How many frames it takes."""
    ending = ending or ending_of()
    for number, level in enumerate(levels, 1):
        ending.push(level, spoken=spoken)
        if ending.ended:
            return number
    return None


def test_speech_that_begins_where_noise_was_cut_off_is_not_waited_for_without_end() -> None:
    """The detector of speech to decode knows of it, the endpointer begins again, and misses it."""
    ending = ending_of()
    assert ended_after([0.9, 0.9, 0.0] * 104, spoken=False, ending=ending) is None
    assert ended_after([0.9], spoken=False, ending=ending) == 1
    assert ended_after([0.9, 0.0], spoken=True, ending=ending) == 1


@pytest.mark.parametrize(
    ("opinions", "silence_ms"),
    [
        ([], SILENCES["default"].plain_ms),
        ([(WORDS, COMPLETE)], SILENCES["default"].complete_ms),
        ([(SOUND, COMPLETE), (WORDS, UNKNOWN)], SILENCES["default"].complete_ms),
        ([(SOUND, OPEN), (WORDS, COMPLETE)], SILENCES["default"].open_ms),
        ([(WORDS, OPEN), (SOUND, COMPLETE)], SILENCES["default"].open_ms),
        ([(WORDS, OPEN), (WORDS, COMPLETE)], SILENCES["default"].complete_ms),
    ],
)
def test_who_thinks_that_more_is_to_come_has_it(
    opinions: list[tuple[Witness, Completeness]], silence_ms: int
) -> None:
    ending = ending_of(dynamic=True)
    assert ended_after([0.9] * 10 + [0.0] * 6, spoken=True, ending=ending) is None
    for witness, opinion in opinions:
        ending.expect(witness, opinion)
    assert ended_after([0.0] * 100, spoken=True, ending=ending) == -(-silence_ms // 32) - 6


def test_opinions_are_of_one_pause() -> None:
    ending = ending_of(dynamic=True)
    assert ended_after([0.9] * 10 + [0.0] * 6, spoken=True, ending=ending) is None
    ending.expect(SOUND, OPEN)
    assert ended_after([0.9] + [0.0] * 6, spoken=True, ending=ending) is None
    ending.expect(WORDS, COMPLETE)
    assert ended_after([0.0] * 100, spoken=True, ending=ending) == 13 - 6


def test_whoever_pauses_is_given_time_also_in_the_next_utterance() -> None:
    pauses = Pauses()
    hesitant = [0.9] * 10 + [0.0] * 18 + [0.9] * 10
    assert ended_after(hesitant, spoken=True, ending=ending_of(pauses)) is None
    assert pauses.at_least_ms == 18 * 32 + 100
    ending = ending_of(pauses, dynamic=True)
    assert ended_after([0.9] * 10 + [0.0] * 6, spoken=True, ending=ending) is None
    ending.expect(WORDS, COMPLETE)
    assert ended_after([0.0] * 100, spoken=True, ending=ending) == -(-pauses.at_least_ms // 32) - 6


def test_clicks_are_no_pauses_of_a_speaker() -> None:
    pauses = Pauses()
    ended_after([0.9, 0.9, *[0.0] * 10, 0.9], spoken=False, ending=ending_of(pauses))
    assert pauses.mean_ms is None


def test_a_click_ends_nothing_but_the_wait() -> None:
    click = [0.0] * 10 + [0.9, 0.9] + [0.0] * 100
    assert ended_after(click, spoken=True) == 12 + 25
    assert ended_after(click, spoken=False) == 63


def test_noise_that_is_no_speech_is_not_waited_for_without_end() -> None:
    assert ended_after([0.9, 0.9, 0.0] * 1000, spoken=False) == 313
