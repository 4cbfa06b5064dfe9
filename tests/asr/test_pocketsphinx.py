"""The real embedded recogniser on its own kind of input."""

import pytest
from wyoming.event import Event

from tests.asr.speech import noise, said, silence, start
from wyoming_voice.asr.engine import Audio, DecodeOptions, Segment
from wyoming_voice.asr.pocketsphinx import Pocketsphinx, sentence
from wyoming_voice.asr.server import AsrSettings, build
from wyoming_voice.audio import to_mono, to_pcm16
from wyoming_voice.config import load
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import PeerError


@pytest.fixture(scope="module")
def engine() -> Pocketsphinx:
    engine = Pocketsphinx()
    engine.load()
    return engine


def heard(
    engine: Pocketsphinx, audio: Audio, options: DecodeOptions | None = None
) -> list[Segment]:
    found = engine.transcribe(audio, options or DecodeOptions())
    return [segment for segment in found if segment is not None]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("what time is it", "What time is it"),
        ("<s> turn the(2) [NOISE] <sil> ++BREATH++ light </s>", "Turn the light"),
        ("and i think i'm late", "And I think I'm late"),
        ("<sil>", ""),
        ("", ""),
    ],
)
def test_words_become_presentable(words: str, text: str) -> None:
    assert sentence(words) == text


def test_it_hears_the_same_again(engine: Pocketsphinx) -> None:
    audio = said("What time is it?")
    (first,) = heard(engine, audio)
    heard(engine, noise(3, 0.5))
    (again,) = heard(engine, audio)
    assert first.text == again.text
    assert first.text.strip()
    assert first.language == "en"


def test_words_are_those_of_the_text_where_they_are_wanted_or_it_is_doubted(
    engine: Pocketsphinx,
) -> None:
    audio = said("What time is it?")
    (sure,) = heard(engine, audio, DecodeOptions(doubted=lambda *_: False))
    for options in (DecodeOptions(want_words=True), DecodeOptions(doubted=lambda *_: True)):
        (found,) = heard(engine, audio, options)
        assert "".join(word.text for word in found.words) == found.text == sure.text
        times = [time for word in found.words for time in (word.start_s, word.end_s)]
        assert [0, *times, len(audio) / 16_000] == sorted([0, *times, len(audio) / 16_000])
        assert all(word.start_s < word.end_s for word in found.words)
    assert not sure.words


def test_silence_is_nothing(engine: Pocketsphinx) -> None:
    assert heard(engine, silence(1)) == []
    assert heard(engine, silence(0)) == []


def test_it_breathes_every_quarter_second(engine: Pocketsphinx) -> None:
    steps = list(engine.transcribe(silence(3), DecodeOptions()))
    assert steps == [None] * 12


def test_a_request_waits_for_the_one_before_it(engine: Pocketsphinx) -> None:
    audio = said("What time is it?")
    (alone,) = heard(engine, audio)
    one, other = (engine.transcribe(audio, DecodeOptions()) for _ in range(2))
    assert next(one) is None
    assert next(other) is None
    rest = [segment for segment in one if segment is not None]
    then = [segment for segment in other if segment is not None]
    assert rest == then == [alone]


def test_a_dropped_request_lets_the_next_one_in(engine: Pocketsphinx) -> None:
    audio = said("What time is it?")
    (alone,) = heard(engine, audio)
    dropped = engine.transcribe(audio, DecodeOptions())
    next(dropped)
    dropped.close()  # type: ignore[attr-defined]
    assert heard(engine, audio) == [alone]


def test_options_of_whisper_are_told_to_have_no_effect(caplog: pytest.LogCaptureFixture) -> None:
    build(load(AsrSettings, ["--engine", "pocketsphinx", "--language", "en"], {}))
    assert caplog.text == ""
    build(load(AsrSettings, ["--engine", "pocketsphinx", "--beam-size", "5"], {}))
    assert "without effect on the engine pocketsphinx: --beam-size" in caplog.text


def test_another_language_needs_another_engine() -> None:
    conversation = build(load(AsrSettings, ["--engine", "pocketsphinx"], {})).converse()
    conversation.push(Event("transcribe", {"language": "de"}))
    with pytest.raises(PeerError, match=r"'de'.* --engine whisper --model base"):
        conversation.push(start())


def test_loud_and_quiet_samples_become_what_other_pcm_is(engine: Pocketsphinx) -> None:
    audio = said("What time is it?")
    clipped = to_mono(to_pcm16(3 * audio), SPEECH)
    assert heard(engine, 3 * audio) == heard(engine, clipped) != []
