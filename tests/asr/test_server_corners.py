"""The ASR server with a scripted recogniser: what a real one does only on a bad day."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from tests.asr.fakes import ScriptedEngine, soon
from tests.asr.speech import chunk, said, silence, start, stop, utterance
from tests.wire_client import WireClient, client_of
from wyoming_voice import vad
from wyoming_voice.asr.languages import WHISPER
from wyoming_voice.asr.server import AsrProgram, AsrSettings
from wyoming_voice.audio import to_pcm16
from wyoming_voice.config import load
from wyoming_voice.errors import ConfigError, EngineError
from wyoming_voice.service import serving

LIGHT = "Turn on the kitchen light."


def settings(**changed: object) -> AsrSettings:
    values = {"uri": "tcp://127.0.0.1:0", "no_zeroconf": True}
    return AsrSettings.model_validate({**values, **changed})


@contextlib.asynccontextmanager
async def served(*engines: ScriptedEngine, **changed: object) -> AsyncIterator[WireClient]:
    asked = settings(**changed)
    async with (
        serving(AsrProgram(asked, engines), asked) as address,
        client_of(address) as client,
    ):
        yield client


async def answer(client: WireClient, *events: Event) -> Event:
    await client.send(*events)
    event = await client.read()
    assert event is not None
    return event


def speech(**asked: object) -> list[Event]:
    return utterance(said(LIGHT), chunk_ms=100, **asked)


async def test_minutes_of_speech_are_heard_in_windows() -> None:
    engine = ScriptedEngine("word")
    second = chunk(bytes(32_000))
    async with served(engine, speculate_after_ms=0) as client:
        talk = utterance(said(LIGHT), chunk_ms=1000)[2:-1]
        pause = [second] * 8
        events = [start(), *(talk + pause) * 20, stop()]
        reply = await answer(client, *events)
    lengths = [duration_s for duration_s, _ in engine.calls]
    assert max(lengths) <= 28
    assert reply.data["text"] == " ".join(["word"] * len(lengths))
    assert 20 * 2 < sum(lengths) < 200


async def test_a_hang_up_during_the_decode_frees_the_engine() -> None:
    engine = ScriptedEngine(held=True)
    asked = settings()
    program = AsrProgram(asked, [engine])
    async with serving(program, asked) as address:
        async with client_of(address) as leaver:
            await leaver.send(*speech())
            await soon(engine.begun)
        engine.may_go_on.set()
        await soon(engine.closed)
        async with client_of(address) as client:
            assert (await answer(client, *speech())).data["text"] == "hello"
        assert program.worker.requests == 0


async def test_a_client_is_not_idle_while_its_utterance_is_decoded() -> None:
    engine, talk = ScriptedEngine(held=True), speech()
    asked = settings(idle_timeout_s=0.4)
    program = AsrProgram(asked, [engine])
    async with serving(program, asked) as address:
        async with client_of(address) as patient:
            await patient.send(*talk)
            await soon(engine.begun)
            async with client_of(address) as silent:  # its time is over after the patient one's
                assert [event.data["code"] for event in await silent.read_to_end()] == ["too-slow"]
            engine.may_go_on.set()
            reply = await patient.read()
            assert reply is not None
            assert reply.type == "transcript"
        async with client_of(address) as speaker:
            assert (await answer(speaker, *talk[:-1])).data["code"] == "too-slow"


async def test_a_hang_up_before_the_end_asks_for_no_decode() -> None:
    engine = ScriptedEngine()
    asked = settings()
    async with serving(AsrProgram(asked, [engine]), asked) as address:
        async with client_of(address) as leaver:
            await leaver.send(*speech()[:-1])
        async with client_of(address) as client:
            await answer(client, *speech())
    assert len(engine.calls) == 1


async def test_an_engine_that_fails_is_an_error_and_the_next_client_is_served() -> None:
    engine = ScriptedEngine()
    engine.failure = EngineError("out of memory")
    asked = settings()
    async with serving(AsrProgram(asked, [engine]), asked) as address:
        async with client_of(address) as client:
            error = await answer(client, *speech())
            assert (error.type, error.data["code"]) == ("error", "engine-failed")
            assert await client.read() is None
        engine.failure = None
        async with client_of(address) as client:
            assert (await answer(client, *speech())).data["text"] == "hello"


async def test_an_engine_that_takes_too_long_is_given_up() -> None:
    engine = ScriptedEngine(held=True)
    async with served(engine, deadline_s=0.05, drain_s=0) as client:
        error = await answer(client, *speech())
        engine.may_go_on.set()
    assert error.data["code"] == "timeout"


async def test_more_requests_than_the_queue_holds_are_refused() -> None:
    engine = ScriptedEngine(held=True)
    asked = settings(max_queue=1)
    async with (
        serving(AsrProgram(asked, [engine]), asked) as address,
        client_of(address) as first,
        client_of(address) as second,
    ):
        await first.send(*speech())
        await soon(engine.begun)
        assert (await answer(second, *speech())).data["code"] == "busy"
        engine.may_go_on.set()
        transcript = await first.read()
    assert transcript is not None
    assert transcript.data["text"] == "hello"


async def test_audio_while_the_last_utterance_is_decoded_is_kept() -> None:
    engine = ScriptedEngine("one", "two", held=True)
    async with served(engine) as client:
        await client.send(*speech())
        await soon(engine.begun)
        await client.send(*speech())
        engine.may_go_on.set()
        answers = [await client.read() for _ in range(2)]
    assert [event.data["text"] for event in answers if event] == ["one", "two"]


@pytest.mark.parametrize(
    ("asked", "model", "language"),
    [
        ({}, "base.en", "en"),
        ({"language": "en-GB"}, "base.en", "en"),
        ({"language": "de-CH"}, "base", "de"),
        ({"name": "base"}, "base", None),
        ({"name": "base", "language": "nb"}, "base", "no"),
        ({"language": "auto"}, "base.en", "en"),
    ],
)
async def test_the_first_model_that_knows_the_language_answers(
    asked: dict[str, str], model: str, language: str | None
) -> None:
    english = ScriptedEngine("english", name="base.en")
    every = ScriptedEngine("every", name="base", languages=WHISPER)
    async with served(english, every, languages=["en", "de-DE"]) as client:
        await answer(client, *speech(**asked))
    (used,) = [engine for engine in (english, every) if engine.calls]
    ((_, options),) = used.calls
    assert (used.name, options.language) == (model, language)
    assert options.languages == ("en", "de")


async def test_the_settings_speak_for_a_client_that_says_nothing() -> None:
    engine = ScriptedEngine(languages=WHISPER)
    asked = {"transcript_names": ["Küche"], "transcript_terms": ["Szene"]}
    changed = {"language": "de-DE", "hotwords": ["Zigbee"], "initial_prompt": "Daheim."}
    async with served(engine, beam_size=3, **changed) as client:
        await answer(client, *speech(**asked))
    ((_, options),) = engine.calls
    assert (options.language, options.beam_size) == ("de", 3)
    assert (options.names, options.terms) == (("Küche",), ("Szene",))
    assert (options.hotwords, options.initial_prompt) == (("Zigbee",), "Daheim.")


async def test_the_engine_hears_where_the_speech_is() -> None:
    engine = ScriptedEngine()
    async with served(engine) as client:
        await answer(client, *speech())
    ((duration_s, options),) = engine.calls
    assert options.speech_s is not None
    start_s, end_s = options.speech_s
    assert 0.1 < start_s < 0.4
    assert duration_s - 0.6 < end_s < duration_s


async def test_a_loop_is_refused_by_the_gate() -> None:
    async with served(ScriptedEngine("you " * 60)) as client:
        assert (await answer(client, *speech())).data["text"] == ""


async def test_partials_tell_the_stable_part_while_audio_comes() -> None:
    engine = ScriptedEngine("Turn on", "Turn on the", "Turn on the light.", held=True)
    talk = utterance(np.tile(said(LIGHT)[4000:20_000], 10), chunk_ms=100)[1:-1]
    async with served(engine, partials=True) as client:
        await client.send(*talk[:10])
        await soon(engine.begun)
        await client.send(*talk[10:])
        engine.may_go_on.set()
        start_and_text = [await client.read() for _ in range(2)]
        await client.send(stop())
        rest = await client.read_until("transcript-stop")
    assert start_and_text == [
        Event("transcript-start", {"language": "en"}),
        Event("transcript-chunk", {"text": "Turn on"}),
    ]
    chunks = [event.data["text"] for event in rest if event.type == "transcript-chunk"]
    assert "".join(["Turn on", *chunks]) == rest[-2].data["text"] == "Turn on the light."


async def test_a_partial_in_progress_gives_way_to_the_end() -> None:
    engine = ScriptedEngine("early", "late", held=True)
    async with served(engine, partials=True) as client:
        await client.send(*speech()[:-5])
        await soon(engine.begun)
        await client.read()
        await client.send(stop())
        await client.ask(Ping().event())
        engine.may_go_on.set()
        events = await client.read_until("transcript-stop")
    assert [event.data.get("text") for event in events] == ["late", "late", None]
    assert engine.finished == 1


async def test_partials_of_an_utterance_that_begins_anew_begin_anew() -> None:
    engine = ScriptedEngine("old", "old", "new", held=True)
    talk = utterance(np.tile(said(LIGHT)[4000:20_000], 10), chunk_ms=100)[1:-1]
    async with served(engine, partials=True) as client:
        await client.send(*talk[:10])
        await soon(engine.begun)
        engine.may_go_on.set()
        await soon(engine.closed)
        engine.may_go_on.clear()
        await client.send(*talk[10:25])
        await soon(engine.begun)  # the second "old" would be stable
        await client.send(Event("transcribe"), *talk[:5])
        starts = [await client.read() for _ in range(2)]
        engine.may_go_on.set()
        await client.send(*talk[5:], stop())
        events = await client.read_until("transcript-stop")
    assert [event.type for event in starts if event] == ["transcript-start"] * 2
    assert "".join(event.data["text"] for event in events[:-2]) == "new"
    assert events[-2].data["text"] == "new"


async def test_a_partial_never_waits_for_the_engine() -> None:
    engine = ScriptedEngine(held=True)
    asked = settings(partials=True)
    program = AsrProgram(asked, [engine])
    async with (
        serving(program, asked) as address,
        client_of(address) as first,
        client_of(address) as second,
    ):
        await first.send(*speech()[:-5])
        await soon(engine.begun)
        await second.send(*speech()[:-5])
        await second.read()
        await second.ask(Ping().event())
        assert program.worker.requests == 1
        engine.may_go_on.set()


async def test_a_pause_has_no_partial() -> None:
    engine = ScriptedEngine()
    talk = said(LIGHT)[4000:]
    with_pause = np.concatenate((talk[7680:10_880], silence(0.3)))
    async with served(engine, partials=True) as client:
        await client.send(start(), chunk(to_pcm16(talk[:7680])), chunk(to_pcm16(with_pause)))
        await client.read()
        await client.ask(Ping().event())
        assert engine.calls == []


async def test_info_tells_of_partials_and_all_models() -> None:
    english = ScriptedEngine(name="base.en")
    every = ScriptedEngine(name="base", languages=WHISPER)
    async with served(english, every, partials=True) as client:
        info = Info.from_event(await answer(client, Describe().event()))
    (program,) = info.asr
    assert program.supports_transcript_streaming
    assert [model.name for model in program.models] == ["base.en", "base"]
    assert program.models[1].languages == list(WHISPER)


async def test_info_is_corrected_by_the_loaded_model() -> None:
    engine = ScriptedEngine(languages=WHISPER)
    engine.languages_once_loaded = ("en",)
    async with served(engine) as client:
        info = Info.from_event(await answer(client, Describe().event()))
    assert info.asr[0].models[0].languages == ["en"]


async def test_as_many_are_decoded_at_once_as_the_engine_gains_from() -> None:
    engine, other = ScriptedEngine(name="one"), ScriptedEngine(name="two")
    engine.at_once, other.at_once = 1, 3
    program = AsrProgram(settings(), [engine, other])
    await program.load()
    assert program.worker.threads == 3
    await program.close()


async def test_who_is_being_decoded_is_not_interrupted_by_the_next() -> None:
    engine = ScriptedEngine("one", "two", held=True)
    engine.at_once = 1
    program = AsrProgram(settings(), [engine])
    async with (
        serving(program, program.settings) as address,
        client_of(address) as first,
        client_of(address) as second,
    ):
        await first.send(*utterance(said(LIGHT)))
        await soon(engine.begun)
        await second.send(*utterance(said(LIGHT)))
        while program.worker.requests < 2:  # noqa: ASYNC110  (the worker tells nobody)
            await asyncio.sleep(0)
        assert len(engine.calls) == 1
        engine.may_go_on.set()
        for client, text in ((first, "one"), (second, "two")):
            reply = await client.read()
            assert reply is not None
            assert reply.data["text"] == text


async def test_silence_asks_no_engine() -> None:
    engine = ScriptedEngine()
    async with served(engine) as client:
        assert (await answer(client, *utterance(silence(3)))).data["text"] == ""
    assert engine.calls == []


@pytest.mark.parametrize(("no_vad_gate", "models_read"), [(False, 1), (True, 0)])
def test_the_voice_detector_is_read_before_the_first_utterance(
    no_vad_gate: bool, models_read: int
) -> None:
    vad._model.cache_clear()
    AsrProgram(settings(no_vad_gate=no_vad_gate), [ScriptedEngine()])
    assert vad._model.cache_info().currsize == models_read


@pytest.mark.parametrize("changed", [{"language": "xx"}, {"languages": ["en", "xx"]}])
def test_a_language_that_no_model_knows_is_a_mistake(changed: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="'xx'"):
        AsrProgram(settings(**changed), [ScriptedEngine()])


def test_two_models_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ConfigError, match="--model"):
        AsrProgram(settings(), [ScriptedEngine(), ScriptedEngine()])


def test_lists_come_as_repeated_flags_or_with_commas() -> None:
    asked = load(AsrSettings, ["--model", "base.en", "--model", "base", "--languages", "en,de"], {})
    assert (asked.model, asked.languages) == (["base.en", "base"], ["en", "de"])
    variables = {"WYOMING_VOICE_ASR_MODEL": "base.en,base", "WYOMING_VOICE_ASR_PARTIALS": "true"}
    asked = load(AsrSettings, [], variables)
    assert (asked.model, asked.partials) == (["base.en", "base"], True)
