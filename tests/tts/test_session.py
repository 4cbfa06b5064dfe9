"""What the events of a client ask for: plain text, streams, voices, and nonsense told by its field."""

import pytest

from wyoming_voice.errors import BadEvent, TooLarge
from wyoming_voice.tts.session import (
    CloseStream,
    Effect,
    OpenStream,
    Session,
    SpeakText,
    StreamText,
    Wish,
)


def told(*events: tuple[str, dict[str, object]], most: int = 100) -> list[Effect]:
    session = Session(most)
    return [effect for kind, data in events for effect in session.push(kind, data)]


START: tuple[str, dict[str, object]] = ("synthesize-start", {})
STOP: tuple[str, dict[str, object]] = ("synthesize-stop", {})


def chunk(text: str) -> tuple[str, dict[str, object]]:
    return "synthesize-chunk", {"text": text}


def test_plain_text_is_spoken_at_once() -> None:
    voice = {"name": "af_sky", "speaker": "1"}
    assert told(("synthesize", {"text": "Hi.", "voice": voice})) == [
        SpeakText("Hi.", Wish(name="af_sky"))
    ]


def test_a_voice_may_be_named_by_its_language() -> None:
    assert told(("synthesize", {"text": "Hi.", "voice": {"language": "en-GB"}})) == [
        SpeakText("Hi.", Wish(language="en-GB"))
    ]


@pytest.mark.parametrize("voice", [None, {}, {"name": None}])
def test_no_voice_is_no_wish(voice: object) -> None:
    assert told(("synthesize", {"text": "", "voice": voice})) == [SpeakText("", Wish())]


def test_a_stream_passes_over_the_text_that_is_repeated() -> None:
    start: tuple[str, dict[str, object]] = ("synthesize-start", {"voice": {"name": "am_adam"}})
    repeated: tuple[str, dict[str, object]] = ("synthesize", {"text": "Hello there"})
    assert told(start, chunk("Hel"), chunk("lo there"), repeated, STOP) == [
        OpenStream(Wish(name="am_adam")),
        StreamText("Hel"),
        StreamText("lo there"),
        CloseStream(),
    ]


def test_after_a_stream_plain_text_is_spoken_again() -> None:
    assert told(START, STOP, ("synthesize", {"text": "x"}))[-1] == SpeakText("x", Wish())


def test_a_stop_without_a_start_is_an_empty_stream() -> None:
    assert told(STOP) == [OpenStream(Wish()), CloseStream()]


def test_other_events_mean_nothing() -> None:
    assert (
        told(("audio-start", {}), ("select-program", {"name": "x"}), ("never-heard-of", {})) == []
    )


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([chunk("x")], "'synthesize-chunk' without an open stream"),
        ([START, START], "'synthesize-start' inside an open stream"),
        ([("synthesize", {})], "'synthesize' needs 'text', a string"),
        ([("synthesize", {"text": 5})], "'synthesize' needs 'text', a string"),
        ([START, ("synthesize-chunk", {"text": None})], "'synthesize-chunk' needs 'text'"),
        ([("synthesize", {"text": "", "voice": "af_sky"})], "'voice' of 'synthesize' must be"),
        ([("synthesize-start", {"voice": []})], "'voice' of 'synthesize-start' must be"),
        ([("synthesize", {"text": "", "voice": {"name": 1}})], "'voice.name' of 'synthesize'"),
        ([("synthesize-start", {"voice": {"language": {}}})], "'voice.language' of"),
        ([("synthesize", {"text": "", "text_format": "html"})], "'text_format' of 'synthesize' is"),
        ([("synthesize", {"text": "", "text_format": ["ssml"]})], "send one of text, ssml"),
    ],
)
def test_nonsense_is_told_by_its_field(
    events: list[tuple[str, dict[str, object]]], message: str
) -> None:
    with pytest.raises(BadEvent) as caught:
        told(*events)
    assert message in str(caught.value)


def test_a_text_may_fill_its_limit() -> None:
    assert told(("synthesize", {"text": "x" * 100}))
    assert told(START, chunk("x" * 60), chunk("x" * 40), STOP)


def test_a_longer_text_is_refused() -> None:
    with pytest.raises(TooLarge, match="at most 100 are spoken"):
        told(("synthesize", {"text": "x" * 101}))
    with pytest.raises(TooLarge, match="101 characters or more"):
        told(START, chunk("x" * 60), chunk("x" * 41))


def test_the_limit_is_for_each_stream() -> None:
    assert told(START, chunk("x" * 90), STOP, START, chunk("x" * 90), STOP)


def test_the_format_of_a_text_is_told_once() -> None:
    ssml = {"text_format": "ssml"}
    assert told(("synthesize", {"text": "<b>a", **ssml})) == [SpeakText("<b>a", Wish(), ssml=True)]
    effects = told(("synthesize-start", dict(ssml)), chunk("<b>a"))
    assert effects == [OpenStream(Wish(), ssml=True), StreamText("<b>a")]


def test_what_no_voice_can_read_is_made_harmless() -> None:
    assert told(("synthesize", {"text": "a\ud83d\ude00b\udc00c\0d"})) == [
        SpeakText("a\U0001f600b\ufffdc d", Wish())
    ]
