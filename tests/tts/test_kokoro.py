"""The real KModel and the real G2P on a small checkpoint: everything but the words."""

import importlib.util
import logging
import shutil
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from wyoming_voice.errors import EngineError, UnknownChoice
from wyoming_voice.tts.engine import Samples, Utterance, Whole
from wyoming_voice.tts.weights import KokoroFiles, kokoro_files

pytest.importorskip("kokoro", reason="Kokoro's package stops at Python 3.12")

import torch

from wyoming_voice.tts.kokoro import KokoroEngine, expected_phonemes, style_row

SENTENCE = "Turn on the kitchen light."


def engine_in(directory: Path, voice: str = "af_heart", device: str = "cpu") -> KokoroEngine:
    return KokoroEngine(lambda: kokoro_files(str(directory)), voice, device=device, cpu_threads=1)


@pytest.fixture(scope="module")
def engine(tiny_kokoro: Path) -> KokoroEngine:
    engine = engine_in(tiny_kokoro)
    engine.load()
    return engine


def test_what_was_measured_need_not_be_measured_again(engine: KokoroEngine) -> None:
    settled = engine.settled
    assert settled["cpu_threads"]
    assert settled["precision"] in ("float32", "bfloat16")


def said(
    engine: KokoroEngine,
    text: str,
    voice: str = "af_heart",
    speed: float = 1.0,
) -> Samples:
    items = [sound.samples for sound in engine.synthesize(Utterance(text, voice, speed))]
    return np.concatenate(items) if items else np.zeros(0, np.float32)


def test_it_speaks(engine: KokoroEngine) -> None:
    audio = said(engine, SENTENCE)
    assert audio.dtype == np.float32
    assert 1 < len(audio) / engine.sample_rate_hz < 4
    assert 0.01 < np.abs(audio).max() < 2


def test_speed_changes_the_length(engine: KokoroEngine) -> None:
    slow, fast = (len(said(engine, SENTENCE, speed=speed)) for speed in (0.5, 2.0))
    assert slow / fast > 2


def test_voices_and_their_blends_differ(engine: KokoroEngine) -> None:
    names = ["af_bella", "af_sky", "af_bella+af_sky", "af_bella(3)+af_sky"]
    sounds = [said(engine, "Hi.", name) for name in names]
    assert np.array_equal(sounds[0], said(engine, "Hi.", "af_bella"))
    for at, one in enumerate(sounds):
        for other in sounds[at + 1 :]:
            assert not np.array_equal(one, other)


def test_a_blend_is_the_weighted_mean_of_the_tables(engine: KokoroEngine) -> None:
    bella, sky = engine.style("af_bella"), engine.style("af_sky")
    mean = (2 * bella + sky) / 3
    assert np.allclose(engine.style("af_bella(2)+af_sky(1)"), mean, atol=1e-6)


def test_blends_do_not_fill_the_memory(engine: KokoroEngine) -> None:
    for weight in range(1, 60):
        engine.style(f"af_bella({weight})+af_sky")
    assert engine.cached_styles <= 32


def test_british_and_french_have_their_own_phonemes(engine: KokoroEngine) -> None:
    text = "garage 5"
    american, british, french = (
        engine.phonemes(text, letter).symbols for letter in ("a", "b", "f")
    )
    assert american != british
    assert french not in (american, british)
    assert len(said(engine, "Bonjour tout le monde.", "ff_siwis")) > 10_000


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("Turn on the light.", "tˈɜɹn ˌɔn ðə lˈIt."),
        ("The apple.", "ði ˈæpᵊl."),
        ("Hello, world!", "həlˈO, wˈɜɹld!"),
    ],
)
def test_english_phonemes(engine: KokoroEngine, text: str, phonemes: str) -> None:
    assert engine.phonemes(text, "a").symbols == phonemes


def test_unknown_words_are_spelled_by_espeak(engine: KokoroEngine) -> None:
    known, unknown = (engine.phonemes(text, "a").symbols for text in ("the", "the blorvaxian"))
    assert len(unknown) > len(known) + 6


@pytest.mark.parametrize("language", ["jf_alpha", "zf_xiaoni"])
def test_a_language_without_its_extra_says_so(engine: KokoroEngine, language: str) -> None:
    module = {"j": "pyopenjtalk", "z": "jieba"}[language[0]]
    if importlib.util.find_spec(module) is not None:
        pytest.skip(f"{module} is installed")
    with pytest.raises(EngineError, match="pip install 'misaki"):
        engine.phonemes("x", language[0])


def test_the_choice_of_tagger_is_logged(
    tiny_kokoro: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fresh = engine_in(tiny_kokoro)
    fresh.load()
    said(fresh, "Hi.")
    assert "English: misaki's lexicon" in caplog.text


def test_nothing_of_what_is_said_reaches_a_log(
    engine: KokoroEngine, caplog: pytest.LogCaptureFixture
) -> None:
    loguru = pytest.importorskip("loguru")
    lines: list[str] = []
    sink = loguru.logger.add(lines.append, level="DEBUG")
    caplog.set_level(logging.DEBUG)
    said(engine, "A rhinoceros sang zxqvly.")
    loguru.logger.remove(sink)
    assert not lines
    assert "rhino" not in caplog.text
    assert "zxq" not in caplog.text


def test_more_phonemes_than_the_context_are_all_spoken(engine: KokoroEngine) -> None:
    text = "eleven thousand one hundred and eleven, " * 16
    items = [sound.samples for sound in engine.synthesize(Utterance(text, "af_heart", 2.0))]
    assert len(engine.phonemes(text, "a").symbols) > 520
    assert len(items) >= 2
    one = len(said(engine, "eleven thousand one hundred and eleven, ", speed=2.0))
    assert sum(map(len, items)) > 12 * one * 0.8


@pytest.mark.parametrize(("phonemes", "row"), [(0, 0), (1, 0), (12, 11), (510, 509), (900, 509)])
def test_a_sentence_has_the_style_of_its_length(phonemes: int, row: int) -> None:
    assert style_row(phonemes) == row


@pytest.mark.parametrize(("known", "expected"), [(1, 60), (40, 60), (60, 90), (200, 300)])
def test_a_sentence_without_an_end_is_expected_to_be_a_common_one_or_longer(
    known: int, expected: int
) -> None:
    assert expected_phonemes(known) == expected


def test_a_clause_has_the_style_of_its_sentence(tiny_kokoro: Path) -> None:
    engine = engine_in(tiny_kokoro)
    engine.load()
    ended, open_ = Whole(SENTENCE, ended=True), Whole("Turn on", ended=False)
    rows = np.arange(510, dtype=np.float32).reshape(510, 1, 1) / 10
    engine.style("af_heart")[:] = rows
    levels = [engine_said(engine, part_of) for part_of in (None, ended, open_)]
    symbols = len(engine.phonemes(SENTENCE, "a").symbols)
    engine.style("af_heart")[:] = rows[symbols - 1]
    assert np.array_equal(levels[1], engine_said(engine, None))
    engine.style("af_heart")[:] = rows[59]
    assert np.array_equal(levels[2], engine_said(engine, None))
    assert not np.array_equal(levels[0], levels[1])


def engine_said(engine: KokoroEngine, part_of: Whole | None) -> Samples:
    (sound,) = engine.synthesize(Utterance("Turn on", "af_heart", part_of=part_of))
    return sound.samples


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "...",
        "—",
        "\U0001f600",
        "$",
        "1" * 400,
        "9" * 30 + "th",
        "a" * 1000,
        "'''",
        "[x](/y/)",
        "你好",
        "A.B.C.D.",
        "x_y-z/w",
        "\u200d",
        "$5.999.1",
        "#1st",
        "'n'",
        "12:34:56",
        "½",
        "İstanbul",
    ],
)
def test_odd_text_is_survived(engine: KokoroEngine, text: str) -> None:
    said(engine, text[:30], speed=2.0)
    engine.phonemes(text, "a")


def test_it_stops_in_the_middle_when_nobody_listens(engine: KokoroEngine) -> None:
    asked = count()
    assert not list(engine.synthesize(Utterance(SENTENCE, "af_heart"), lambda: next(asked) >= 50))
    assert next(asked) == 51
    assert len(said(engine, SENTENCE))


def test_a_request_that_stops_stops_no_other_between_whose_items_it_runs(
    engine: KokoroEngine,
) -> None:
    text = "eleven thousand one hundred and eleven, " * 16
    long = engine.synthesize(Utterance(text, "af_heart", 2.0))
    assert len(next(long).samples)
    assert not list(engine.synthesize(Utterance(SENTENCE, "af_heart"), lambda: True))
    assert len(next(long).samples)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Turn on, the “kitchen” light.", "Turn|on|the|kitchen|light"),
        ("It's a well-known blorvaxian e.g. here", "It's|a|well|known|blorvaxian|e.g|here"),
    ],
)
def test_words_are_where_the_durations_say(engine: KokoroEngine, text: str, words: str) -> None:
    (sound,) = engine.synthesize(Utterance(text, "af_heart"))
    said = [mark for mark in sound.marks if text[mark.start].isalnum()]
    assert "|".join(text[mark.start : mark.end].rstrip(".") for mark in said) == words
    edges = [sample for mark in sound.marks for sample in (mark.first_sample, mark.last_sample)]
    assert edges == sorted(edges)
    assert edges[-1] <= len(sound.samples)


def test_french_is_marked_word_by_word(engine: KokoroEngine) -> None:
    (sound,) = engine.synthesize(Utterance("Oui, les enfants !", "ff_siwis"))
    assert [(mark.start, mark.end) for mark in sound.marks] == [(0, 3), (5, 8), (9, 16)]


def test_marks_go_on_where_the_context_was_cut(engine: KokoroEngine) -> None:
    text = "eleven thousand one hundred and eleven, " * 16
    sounds = list(engine.synthesize(Utterance(text, "af_heart", 2.0)))
    marks = [mark for sound in sounds for mark in sound.marks]
    said = "".join(text[mark.start : mark.end] for mark in marks)
    assert said == text.replace(" ", "")
    assert all(sound.marks[0].first_sample < 10_000 for sound in sounds)


def test_a_missing_voice_names_its_file(engine: KokoroEngine) -> None:
    with pytest.raises(EngineError, match=r"am_adam\.pt is missing"):
        said(engine, SENTENCE, "am_adam")


def test_a_voice_that_is_no_blend_is_refused(engine: KokoroEngine) -> None:
    with pytest.raises(UnknownChoice):
        said(engine, SENTENCE, "af_bella++")


@pytest.fixture
def damaged(tiny_kokoro: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_kokoro, copy)
    return copy


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", b"{}"),
        ("kokoro-v1_0.pth", b""),
        ("kokoro-v1_0.pth", b"<html>not found</html>"),
        ("voices/af_heart.pt", b"version https://git-lfs.github.com/spec/v1"),
    ],
)
def test_a_damaged_file_is_named(damaged: Path, name: str, content: bytes) -> None:
    (damaged / name).write_bytes(content)
    with pytest.raises(EngineError, match="models fetch tts"):
        engine_in(damaged).load()


def test_a_missing_device_is_told(tiny_kokoro: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(EngineError, match="use --device cpu"):
        engine_in(tiny_kokoro, device="cuda").load()


def test_without_the_package_the_remedy_is_told(
    tiny_kokoro: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'wyoming-voice\[tts\]'"):
        engine_in(tiny_kokoro).load()
    monkeypatch.setattr(sys, "version_info", (3, 13, 1, "final", 0))
    with pytest.raises(EngineError, match=r"stops at Python 3.12, and this is Python 3.13"):
        engine_in(tiny_kokoro).load()


def test_files_are_looked_for_at_load_only(tmp_path: Path) -> None:
    asked: list[int] = []

    def locate() -> KokoroFiles:
        asked.append(1)
        return KokoroFiles(tmp_path)

    engine = KokoroEngine(locate, "af_heart")
    assert not asked
    with pytest.raises(EngineError, match=r"config\.json is missing"):
        engine.load()
