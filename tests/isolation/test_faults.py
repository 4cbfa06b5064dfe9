"""Failures as they cross the line, and what follows from them."""

import pytest

from wyoming_voice.errors import EngineError, UnknownChoice, VoiceError
from wyoming_voice.isolation.faults import (
    PAUSES_S,
    Failure,
    ending,
    error_of,
    failure_of,
    pause_s,
    refusal,
    seconds,
)


def caused(error: VoiceError, cause: Exception) -> VoiceError:
    error.__cause__ = cause
    return error


def test_an_error_of_ours_is_the_same_on_the_other_side() -> None:
    before = UnknownChoice("voice", "af_hart", ["af_heart"])
    after = error_of(failure_of(before))
    assert type(after) is UnknownChoice
    assert str(after) == "unknown voice 'af_hart'; did you mean 'af_heart'?"
    assert (after.code, vars(after)) == ("unknown-voice", vars(before))
    assert not failure_of(before).spent


def test_the_text_of_what_is_not_ours_stays_behind() -> None:
    failure = failure_of(ValueError("my password is swordfish"))
    error = error_of(failure)
    assert type(error) is EngineError
    assert str(error) == "the engine failed with ValueError; the server's log says more"
    assert not failure.spent


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("std::bad_alloc"),
        caused(
            EngineError("the model failed"), RuntimeError("CUDA failed with error out of memory")
        ),
    ],
    ids=str,
)
def test_who_was_out_of_memory_is_not_used_on(error: Exception) -> None:
    failure = failure_of(error)
    assert failure.spent
    assert "smaller model" in failure.text


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (caused(EngineError("Kokoro failed"), RuntimeError("CUBLAS_STATUS_INTERNAL_ERROR")), True),
        (EngineError("the phonemes of a CUDA manual"), False),
        (RuntimeError("a size that doesn't fit"), False),
    ],
    ids=str,
)
def test_a_graphics_card_that_failed_needs_a_new_process(error: Exception, spent: bool) -> None:
    assert failure_of(error).spent is spent


def test_pauses_grow_up_to_half_a_minute() -> None:
    assert [pause_s(failures) for failures in range(10)] == [0.0, *PAUSES_S, 30.0, 30.0]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (3, "ended with status 3"),
        (-11, "was killed by signal 11 (SIGSEGV)"),
        (
            -9,
            "was killed by signal 9 (SIGKILL), as the kernel does where memory runs short (`dmesg` says"
            " whether it did: then use a smaller model, or leave it more memory)",
        ),
        (-99, "was killed by signal 99 (unknown)"),
    ],
)
def test_how_a_process_ended_is_put_in_words(status: int, words: str) -> None:
    assert ending(status) == words


@pytest.mark.parametrize(
    ("left_s", "words"),
    [
        (None, "it broke"),
        (0.0, "it broke; the engine is being started again, ask again in a moment"),
        (11.2, "it broke; the engine is started again in about 12 s, ask again then"),
    ],
)
def test_who_is_refused_is_told_when_to_ask_again(left_s: float | None, words: str) -> None:
    assert str(refusal(Failure("EngineError", "it broke"), left_s)) == words


def test_times_are_rounded() -> None:
    assert [seconds(t) for t in (61.1897, 9.21, 8.0, 0.5)] == ["61 s", "9.2 s", "8 s", "0.5 s"]
