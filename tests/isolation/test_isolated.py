"""Engines in processes of their own that do as they are told, and what becomes of who asked."""

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.isolation.engines import PATIENT, obedient, patient
from tests.isolation.watching import ends, pid_of
from wyoming_voice import logs
from wyoming_voice.asr.engine import DecodeOptions
from wyoming_voice.asr.isolated import IsolatedRecogniser
from wyoming_voice.errors import EngineError, UnknownChoice
from wyoming_voice.isolation.bounds import Bounds
from wyoming_voice.isolation.isolated import NotLoaded, numbers
from wyoming_voice.tts.engine import Utterance
from wyoming_voice.tts.isolated import IsolatedVoice

SOUND = np.ones(4, np.float32)


@contextmanager
def loaded(bounds: Bounds = PATIENT, needs: str = "") -> Iterator[IsolatedRecogniser]:
    with closing(obedient(bounds, needs)) as engine:
        engine.load()
        yield engine
    assert engine.join(10)


def told(
    engine: IsolatedRecogniser, script: str, doubted: Callable[[str, str], bool] | None = None
) -> list[str | None]:
    options = DecodeOptions(initial_prompt=script, doubted=doubted)
    items = engine.transcribe(SOUND, options)
    return [item.text if item is not None else None for item in items]


def test_it_says_of_itself_what_it_knows_once_it_is_loaded() -> None:
    with loaded() as engine:
        assert (engine.name, engine.languages, engine.at_once) == ("obedient", ("en", "de"), 2)
        found = dict(numbers([engine]))
        assert (found["engine_loaded"], found["engine_restarts"]) == (1, 0)
        assert found["engine_memory_bytes"] > 1_000_000


def test_items_come_one_by_one_and_the_audio_arrives_whole() -> None:
    with loaded() as engine:
        (segment,) = engine.transcribe(SOUND, DecodeOptions(initial_prompt="say:hello"))
        assert segment is not None
        assert (segment.text, segment.end_s) == ("hello", 4.0)
        assert told(engine, "breathe say:a say:b") == [None, "a", "b"]


def test_what_is_doubted_only_the_server_knows() -> None:
    with loaded() as engine:
        script = "doubt:maybe doubt:surely"
        assert told(engine, script, lambda text, _: text == "maybe") == ["wanted", "not wanted"]


def test_a_question_that_fails_in_the_server_leaves_the_thread_free(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(text: str, language: str) -> bool:
        raise KeyError(text)

    with loaded() as engine:
        for _ in range(2 * engine.at_once):
            with pytest.raises(KeyError):
                told(engine, "doubt:maybe", fails)
        assert told(engine, "say:free") == ["free"]
    assert caplog.records == []


def test_two_calls_are_in_at_once() -> None:
    with loaded() as engine:
        results: list[list[str | None]] = []
        calls = [
            threading.Thread(target=lambda: results.append(told(engine, "meet say:met")))
            for _ in range(2)
        ]
        for call in calls:
            call.start()
        for call in calls:
            call.join(10)
        assert results == [["met"], ["met"]]


def test_a_generator_that_is_dropped_cleans_up_over_there(tmp_path: Path) -> None:
    with loaded() as engine:
        mark = tmp_path / "tidy"
        items = engine.transcribe(SOUND, DecodeOptions(initial_prompt=f"tidy:{mark}"))
        assert next(items) is None
        assert not mark.exists()
        items.close()  # type: ignore[attr-defined]
        assert told(engine, f"find:{mark} say:tidy") == ["tidy"]


def test_nothing_is_kept_over_there_of_a_call_that_has_ended() -> None:
    with loaded() as engine:
        for script in ("say:a breathe", "bug", "choice"):
            for _ in range(3):
                with contextlib.suppress(EngineError, UnknownChoice):
                    told(engine, script)
        for _ in range(3):
            items = engine.transcribe(SOUND, DecodeOptions(initial_prompt="say:a breathe"))
            next(items)
            items.close()  # type: ignore[attr-defined]
        assert told(engine, "kept") == ["1"], "its own"


def test_its_log_lines_are_the_servers_and_of_the_turn_that_it_worked_at(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with loaded() as engine:
        with logs.turn("cafe"):
            told(engine, "log:this say:a")
        told(engine, "log:that")
    lines = [(record.getMessage(), record.turn) for record in caplog.records]  # type: ignore[attr-defined]
    assert lines == [("it says this", "cafe"), ("it says that", "")]


def test_errors_are_what_they_were_and_the_engine_is_used_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with loaded() as engine:
        before = engine.pid
        with pytest.raises(UnknownChoice, match="did you mean 'af_heart'"):
            told(engine, "choice")
        with pytest.raises(EngineError, match="failed with ValueError") as raised:
            told(engine, "bug")
        assert "swordfish" not in str(raised.value)
        with pytest.raises(EngineError, match="failed with SystemExit"):
            told(engine, "quits")
        assert told(engine, "say:on") == ["on"]
        assert engine.pid == before
    assert [record.name for record in caplog.records] == ["wyoming_voice.isolation.child"] * 2


@pytest.mark.parametrize("step", ["memory", "cuda"])
def test_what_spoils_a_process_is_told_and_the_next_is_a_fresh_one(step: str) -> None:
    with loaded() as engine:
        before = engine.pid
        with pytest.raises(EngineError, match="is started again; ask again"):
            told(engine, f"breathe {step}")
        assert told(engine, "say:on")[-1] == "on"
        assert engine.pid != before
        assert dict(engine.numbers())["engine_restarts"] == 1


def test_a_crash_before_anything_was_said_is_not_noticed_by_who_asked(tmp_path: Path) -> None:
    with loaded() as engine:
        assert told(engine, f"breathe once:{tmp_path / 'crashed'} say:hello")[-1] == "hello"
        assert not engine.failing


def test_after_a_crash_nothing_is_lost_and_nothing_is_said_twice(tmp_path: Path) -> None:
    with loaded() as engine:
        script = f"say:a breathe say:b once:{tmp_path / 'crashed'} say:c"
        said = [text for text in told(engine, script) if text is not None]
        assert said == ["a", "b", "c"]


def test_an_answer_that_breaks_off_for_good_is_no_whole_answer() -> None:
    with loaded() as engine:
        items = engine.transcribe(SOUND, DecodeOptions(initial_prompt="say:a exit"))
        assert next(items) is not None
        with pytest.raises(
            EngineError, match="twice over this request, the engine obedient ended with status 7"
        ):
            list(items)


def test_what_kills_every_process_kills_two_and_no_more() -> None:
    with loaded() as engine:
        with pytest.raises(EngineError, match=r"^twice over this request, .*SIGKILL.*dmesg"):
            told(engine, "killed")
        assert told(engine, "say:on")[-1] == "on"
        assert dict(engine.numbers())["engine_restarts"] == 2


def test_who_waits_between_two_items_finds_a_fresh_process() -> None:
    with loaded() as engine:
        items = engine.transcribe(SOUND, DecodeOptions(initial_prompt="breathe say:a"))
        assert next(items) is None
        with ends(pid_of(engine)):
            os.kill(pid_of(engine), signal.SIGSEGV)
        assert [item.text for item in items if item is not None] == ["a"]


def test_a_stuck_call_is_ended_and_its_thread_is_free() -> None:
    with loaded(Bounds(item_s=0.5, wait_s=30.0, load_s=30.0)) as engine:
        with ends(pid_of(engine)), pytest.raises(EngineError, match="at one piece of work for"):
            told(engine, "hang")
        assert told(engine, "say:on")[-1] == "on"


def test_a_process_that_stands_still_is_ended_also_where_it_takes_nothing_in() -> None:
    much = np.zeros(4_000_000, np.float32)
    with loaded(Bounds(item_s=0.5, wait_s=30.0, load_s=30.0)) as engine:
        with ends(pid_of(engine)):
            os.kill(pid_of(engine), signal.SIGSTOP)
            breath, segment = engine.transcribe(much, DecodeOptions(initial_prompt="say:on"))
        assert breath is None, "others may go first while it is started again"
        assert segment is not None


def test_an_engine_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with closing(obedient(needs=str(tmp_path / "none"))) as engine:
        with pytest.raises(EngineError, match="no model in"):
            engine.load()
        assert engine.join(10)


def test_a_crash_while_it_is_loaded_is_told() -> None:
    with closing(obedient(needs="crash")) as engine:
        with pytest.raises(EngineError, match="was killed by signal 9"):
            engine.load()
        assert engine.join(10)


def test_who_waits_for_an_engine_that_cannot_come_back_is_told_why(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.touch()
    with loaded(needs=str(model)) as engine:
        model.unlink()
        os.kill(pid_of(engine), signal.SIGKILL)
        with pytest.raises(EngineError, match=r"no model in .*; the engine is .*, ask again"):
            told(engine, "say:never")
        assert engine.failing
        assert not engine.hopeless


def test_an_idle_engine_is_unloaded_and_comes_back_when_it_is_asked() -> None:
    with loaded(Bounds(30.0, 30.0, 30.0, unload_after_s=0.2)) as engine:
        with ends(pid_of(engine)):
            pass
        engine.wait()
        assert told(engine, "say:back") == ["back"]
        assert dict(engine.numbers())["engine_restarts"] == 0
        assert not engine.failing


async def test_who_awaits_an_engine_has_it_loaded() -> None:
    with loaded(Bounds(30.0, 30.0, 30.0, unload_after_s=1.0)) as engine:
        with ends(pid_of(engine)):
            pass
        await engine.awaited()
        assert engine.loaded


def test_an_engine_at_work_is_not_unloaded() -> None:
    with loaded(Bounds(30.0, 30.0, 30.0, unload_after_s=0.2)) as engine:
        before = pid_of(engine)
        watch = os.pidfd_open(before)
        items = engine.transcribe(SOUND, DecodeOptions(initial_prompt="breathe say:a"))
        assert next(items) is None
        assert select.select([watch], [], [], 0.6)[0] == []
        assert [item.text for item in items if item is not None] == ["a"]
        os.close(watch)


def spoken_aside_for_ever(engine: IsolatedVoice) -> None:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s:
        list(engine.synthesize_aside(Utterance("Ready.", "any")))


def test_what_nobody_waits_for_neither_keeps_nor_loads_an_engine() -> None:
    with closing(patient(Bounds(30.0, 30.0, 30.0, unload_after_s=0.5))) as engine:
        engine.load()
        with ends(pid_of(engine)), pytest.raises(NotLoaded):
            spoken_aside_for_ever(engine)
        with pytest.raises(NotLoaded):
            list(engine.synthesize_aside(Utterance("Ready.", "any")))
        assert not engine.loaded
        assert len(list(engine.synthesize(Utterance("Ready.", "any")))) == 1
    assert engine.join(10)


def test_what_nobody_waits_for_is_made_to_its_end_before_its_engine_is_unloaded() -> None:
    with closing(patient(Bounds(30.0, 30.0, 30.0, unload_after_s=0.2))) as engine:
        engine.load()
        before = pid_of(engine)
        watch = os.pidfd_open(before)
        items = engine.synthesize_aside(Utterance("Ready.", "any"))
        next(items)
        assert select.select([watch], [], [], 0.6)[0] == []
        assert list(items) == []
        assert select.select([watch], [], [], 10)[0] == [watch]
        os.close(watch)
    assert engine.join(10)


def test_an_engine_that_falls_over_what_nobody_waits_for_is_not_asked_again() -> None:
    with closing(patient()) as engine:
        engine.load()
        items = engine.synthesize_aside(Utterance("Ready.", "any"))
        next(items)
        os.kill(pid_of(engine), signal.SIGKILL)
        with pytest.raises(EngineError, match="was killed by signal 9") as fell:
            list(items)
        assert not isinstance(fell.value, NotLoaded)
    assert engine.join(10)


def test_what_is_not_wanted_any_more_ends_within_an_item() -> None:
    with closing(patient()) as engine:
        engine.load()
        stopped = threading.Event()
        sounds = engine.synthesize(Utterance("for ever", "any"), stopped.is_set)
        assert len(next(sounds).samples) == 80
        stopped.set()
        assert list(sounds) == []
    assert engine.join(10)


def test_who_waits_when_the_server_ends_is_told() -> None:
    with loaded() as engine:
        items = engine.transcribe(SOUND, DecodeOptions(initial_prompt="breathe say:a"))
        assert next(items) is None
        engine.close()
        with pytest.raises(EngineError, match="shutting down"):
            list(items)
