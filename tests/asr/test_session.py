"""Which events make an utterance: pictures of event sequences, and what they must come to."""

import random
import re
from typing import Any

import pytest
from wyoming.event import Event

from tests.asr.speech import chunk, start, stop
from wyoming_voice.asr.session import Begun, Ended, Heard, Restarted, Session, Wish
from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.errors import BadEvent, TooLarge

TELEPHONE = AudioFormat(8000, 1, 1)
A_SECOND = bytes(32_000)


def picture(*events: Event, session: Session | None = None) -> str:
    """`B` begun, `R` restarted, `h` heard, `E` ended."""
    session = session or Session(600)
    letters = {Begun: "B", Restarted: "R", Heard: "h", Ended: "E"}
    return "".join(letters[type(effect)] for event in events for effect in session.push(event))


def transcribe(**data: Any) -> Event:
    return Event("transcribe", data)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([transcribe(), start(), chunk(b"ab"), chunk(b"ab"), stop()], "BhhE"),
        ([start(), chunk(b"ab"), stop()], "BhE"),
        ([chunk(b"ab"), stop()], "BhE"),
        ([transcribe(), chunk(b"ab"), stop()], "BhE"),
        ([transcribe(), start(), stop()], "BE"),
        ([transcribe(), stop()], "BE"),
        ([stop()], "BE"),
        ([stop(), stop()], "BE"),
        ([start(), chunk(b"ab"), stop(), stop()], "BhE"),
        ([start(), chunk(b"ab"), stop(), transcribe(), stop()], "BhEBE"),
        ([start(), chunk(b"ab"), stop(), start(), chunk(b"ab"), stop()], "BhEBhE"),
        ([start(), chunk(b"ab"), transcribe(), chunk(b"ab"), stop()], "BhRhE"),
        ([start(), start(), chunk(b"ab"), stop()], "BhE"),
        ([start(), chunk(b"ab"), start(), chunk(b"ab"), stop()], "BhRhE"),
        ([start(), chunk(b""), stop()], "BE"),
        ([Event("voice-started"), Event("select-program", {"name": "x"})], ""),
    ],
)
def test_events_make_utterances(events: list[Event], expected: str) -> None:
    assert picture(*events) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([start(), chunk(b"ab")], [chunk(b"ab"), stop(), stop()], "Bh"),
        ([start(), chunk(b"ab")], [chunk(b"ab"), stop(), chunk(b"ab"), stop()], "BhBhE"),
        ([start(), chunk(b"ab")], [start(), chunk(b"ab"), stop()], "BhBhE"),
        ([start(), chunk(b"ab")], [chunk(b"ab"), transcribe(), chunk(b"ab"), stop()], "BhBhE"),
        ([start(), chunk(b"ab")], [chunk(A_SECOND)] * 700, "Bh"),
        ([start(), chunk(b"ab"), stop()], [chunk(b"ab"), stop()], "BhEBhE"),
        ([start(), chunk(b"ab"), stop()], [stop()], "BhE"),
    ],
)
def test_an_utterance_that_the_server_ended_is_owed_nothing_more(
    before: list[Event], after: list[Event], expected: str
) -> None:
    session = Session(600)
    drawn = picture(*before, session=session)
    session.ended_early()
    assert drawn + picture(*after, session=session) == expected


def test_a_random_walk_owes_one_transcript_for_each_utterance() -> None:
    walk = random.Random(3)
    moves = [transcribe(), start(), chunk(b"ab"), chunk(b""), stop()]
    for _ in range(300):
        drawn = picture(*walk.choices(moves, k=40), stop())
        assert re.fullmatch(r"(B[hR]*E)+", drawn), drawn


def test_a_wish_holds_for_one_utterance() -> None:
    session = Session(600)
    session.push(transcribe(language="de", name="small", transcript_names=["Küche"]))
    (first,) = session.push(start())
    session.push(stop())
    (second,) = session.push(start())
    assert first == Begun(Wish("de", "small", ("Küche",)))
    assert second == Begun(Wish())


def test_a_chunk_says_best_what_it_is() -> None:
    session = Session(600)
    session.push(start(SPEECH))
    assert session.push(chunk(b"ab", TELEPHONE)) == [Heard(TELEPHONE, b"ab")]
    assert session.push(Event("audio-chunk", {}, b"ab")) == [Heard(SPEECH, b"ab")]
    assert session.push(Event("audio-chunk", {"rate": 8000}, b"ab")) == [
        Heard(AudioFormat(8000, 2, 1), b"ab")
    ]


def test_transcribe_forgets_the_format() -> None:
    session = Session(600)
    session.push(start(TELEPHONE))
    session.push(transcribe())
    with pytest.raises(BadEvent, match="'rate'"):
        session.push(Event("audio-chunk", {}, b"ab"))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (transcribe(language=5), "language"),
        (transcribe(name=["base"]), "name"),
        (transcribe(vad_sensitivity={}), "vad_sensitivity"),
        (transcribe(context="turn"), "context"),
        (transcribe(transcript_names="kitchen"), "transcript_names"),
        (transcribe(transcript_terms=["ok", 3]), "transcript_terms"),
        (Event("audio-start", {"rate": "16000", "width": 2, "channels": 1}), "rate"),
        (Event("audio-start", {"rate": 16000, "width": 0, "channels": 1}), "width"),
        (Event("audio-start", {"rate": 16000, "width": 2, "channels": True}), "channels"),
        (Event("audio-start", {"rate": 16000.5, "width": 2, "channels": 1}), "rate"),
        (Event("audio-chunk", {"rate": 10**400, "width": 2, "channels": 1}, b"ab"), "rate"),
        (Event("audio-chunk", {}, b"ab"), "rate"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(event: Event, field: str) -> None:
    with pytest.raises(BadEvent, match=f"'{field}'"):
        Session(600).push(event)


def test_null_and_empty_fields_are_no_wish() -> None:
    session = Session(600)
    session.push(transcribe(language="", name=None, transcript_names=None, context=None))
    assert session.push(start()) == [Begun(Wish())]


def test_names_are_bounded() -> None:
    session = Session(600)
    session.push(transcribe(transcript_names=["x" * 5000, *map(str, range(5000))]))
    (begun,) = session.push(start())
    assert isinstance(begun, Begun)
    assert len(begun.wish.names) == 999


def test_too_much_audio_is_refused_as_it_arrives() -> None:
    session = Session(3)
    session.push(start())
    for _ in range(3):
        session.push(chunk(A_SECOND))
    with pytest.raises(TooLarge, match="--max-audio-s"):
        session.push(chunk(b"ab"))


def test_each_utterance_has_the_whole_limit() -> None:
    session = Session(3)
    for _ in range(5):
        session.push(start())
        session.push(chunk(A_SECOND * 3))
        session.push(stop())


def test_a_restart_gives_the_whole_limit_again() -> None:
    session = Session(3)
    session.push(start())
    session.push(chunk(A_SECOND * 3))
    session.push(transcribe())
    assert len(session.push(chunk(A_SECOND * 3))) == 1


def test_a_slow_rate_does_not_hide_the_length() -> None:
    session = Session(600)
    with pytest.raises(TooLarge):
        session.push(chunk(bytes(4_000_000), AudioFormat(1000, 1, 1)))
