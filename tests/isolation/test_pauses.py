"""What is said of an engine that is away, to the log and to who asks for it meanwhile."""

import os
import re
import signal
from contextlib import closing

import numpy as np
import pytest

from tests.isolation.engines import obedient
from tests.isolation.watching import pid_of
from wyoming_voice.asr.engine import DecodeOptions
from wyoming_voice.asr.isolated import IsolatedRecogniser
from wyoming_voice.errors import EngineError
from wyoming_voice.isolation import faults


def told(engine: IsolatedRecogniser) -> str:
    options = DecodeOptions(initial_prompt="say:on")
    items = engine.transcribe(np.ones(4, np.float32), options)
    return "".join(item.text for item in items if item is not None)


def test_how_long_an_engine_was_and_will_be_away_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with closing(obedient()) as engine, caplog.at_level("INFO"):
        engine.load()
        for _ in range(2):
            os.kill(pid_of(engine), signal.SIGSEGV)
            assert told(engine) == "on"
    said = [record.getMessage() for record in caplog.records]
    (first, back), (second, late) = said[:2], said[2:]
    assert first.endswith("was killed by signal 11 (SIGSEGV); it is started again")
    assert second.endswith("; it is started again in 1 s")
    away_s = re.fullmatch(r"obedient: the engine is back; it was away for ([\d.]+) s", late)
    assert away_s
    assert float(away_s[1]) >= 1, "the pause included"
    assert "away for" in back


def test_who_cannot_wait_for_the_next_start_is_told_when_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "PAUSES_S", (3600.0,))
    with closing(obedient()) as engine:
        engine.load()
        os.kill(pid_of(engine), signal.SIGKILL)
        with pytest.raises(EngineError) as refused:
            told(engine)
    words = str(refused.value)
    assert words.startswith("the engine obedient was killed by signal 9 (SIGKILL), as the kernel")
    assert words.endswith("; the engine is started again in about 3600 s, ask again then")
    assert engine.join(10)
