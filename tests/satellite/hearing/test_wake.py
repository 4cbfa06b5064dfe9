"""What wake word texts mean, and real models on spoken wake words."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from satellite.events import WakeWord
from satellite.hearing.wake import LocalWake, WakeSpec, noticed_after_ms, parse_wake_words
from tests.satellite.hearing.recordings import question, silence, wake_word
from wyoming_voice.audio import to_pcm16
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError

FRAME_BYTES = 1024


def parsed(text: str) -> WakeSpec:
    (spec,) = parse_wake_words([text], [])
    return spec


def heard(wake: LocalWake, pcm: bytes) -> list[tuple[str, int]]:
    """Words by name, and the time of the frame in which each was noticed."""
    return [
        (word.name, round(SPEECH.ms(at + FRAME_BYTES)))
        for at in range(0, len(pcm), FRAME_BYTES)
        if (word := wake.push(pcm[at : at + FRAME_BYTES])) is not None
    ]


def names(wake: LocalWake, *pieces: bytes) -> list[str]:
    return [name for name, _ in heard(wake, b"".join(pieces))]


def listening_for(*texts: str, refractory_s: float = 2.0) -> LocalWake:
    return LocalWake(parse_wake_words(texts, []), refractory_s)


def test_a_name_alone() -> None:
    assert parsed("okay_nabu") == WakeSpec(WakeWord("okay_nabu", "okay nabu"), "okay_nabu")


def test_all_that_can_be_said_of_a_word() -> None:
    text = (
        "/models/hey you.json; name=you;phrase=hey you!;voice=bm_george;"
        "prompt=Be brief = kind;threshold=0.9"
    )
    word = WakeWord("you", "hey you!", voice="bm_george", prompt="Be brief = kind")
    assert parsed(text) == WakeSpec(word, "/models/hey you.json", 0.9)


def test_a_file_names_its_word() -> None:
    assert parsed("models/ok_box.json;").word == WakeWord("ok_box", "ok box")


def test_a_prompt_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "butler.txt"
    path.write_text("You are a butler; be dry.\n", encoding="utf-8")
    assert parsed(f"hey_jarvis;prompt-file={path}").word.prompt == "You are a butler; be dry."


def test_stop_words_stop() -> None:
    wake, stop = parse_wake_words(["okay_nabu"], ["alexa;phrase=be quiet"])
    assert (wake.word.stops, stop.word.stops) == (False, True)
    assert stop.word.phrase == "be quiet"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no model; write NAME or model.json"),
        (";name=x", "names no model"),
        ("okay_nabu;voice", "'voice' is no KEY=VALUE"),
        ("okay_nabu;prompt=Be brief; be kind", "'be kind' is no KEY=VALUE.*prompt-file="),
        ("okay_nabu;voise=x", "unknown key 'voise'; did you mean 'voice'"),
        ("okay_nabu;threshold=high", "threshold=high is no probability; write one such as 0.9"),
        ("okay_nabu;threshold=1.5", "threshold=1.5 is no probability"),
        ("okay_nabu;threshold=nan", "threshold=nan is no probability"),
        ("okay_nabu;prompt-file=/nowhere/x", "prompt-file=/nowhere/x can't be read: No such file"),
        ("okay_nabu;prompt=a;prompt-file=b", "one of the two"),
    ],
)
def test_mistakes_are_named_with_their_remedy(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parsed(text)


def test_two_words_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two wake words are named 'alexa'"):
        parse_wake_words(["alexa"], ["alexa"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("okay_nabbu", "unknown wake word 'okay_nabbu'; did you mean 'okay_nabu'"),
        ("/nowhere/x.json", "wake word /nowhere/x.json can't be read: No such file"),
    ],
)
def test_a_word_that_nobody_can_hear(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        listening_for(text)


@pytest.mark.parametrize("described", ["nonsense", "[]", "{}", '{"model": "x.tflite"}'])
def test_a_file_that_describes_no_model(described: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(described, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"x\.json is no description|isn't there"):
        listening_for(str(path))


def test_weights_that_are_none_do_not_end_the_process(tmp_path: Path) -> None:
    micro = {"probability_cutoff": 0.9, "sliding_window_size": 5}
    described = {"model": "x.tflite", "wake_word": "x", "micro": micro}
    (tmp_path / "x.json").write_text(json.dumps(described), encoding="utf-8")
    (tmp_path / "x.tflite").write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(ConfigError, match=r"x\.tflite is no TensorFlow Lite model; get it again"):
        listening_for(str(tmp_path / "x.json"))


WORDS = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")


@pytest.mark.parametrize("name", WORDS)
def test_each_word_is_heard_as_itself_soon_after_its_end(name: str) -> None:
    spoken = wake_word(name)
    ((heard_name, noticed_ms),) = heard(
        listening_for(*WORDS), silence(1000) + spoken + silence(1500)
    )
    assert heard_name == name
    late_ms = noticed_ms - 1000 - SPEECH.ms(len(spoken))
    assert abs(late_ms - noticed_after_ms(name)) < 50


def test_speech_and_silence_are_no_wake_word() -> None:
    assert names(listening_for(*WORDS), silence(1000), to_pcm16(question()), silence(1000)) == []


def test_a_word_counts_once_in_the_refractory_time() -> None:
    word = wake_word("alexa")
    twice = (silence(500), word, silence(700), word, silence(1000))
    assert names(listening_for("alexa", refractory_s=5), *twice) == ["alexa"]
    assert names(listening_for("alexa", refractory_s=0), *twice) == ["alexa", "alexa"]


def test_a_second_word_is_not_held_up_by_the_first() -> None:
    spoken = [silence(500), wake_word("alexa"), silence(300), wake_word("okay_nabu"), silence(800)]
    wake = listening_for("alexa", "okay_nabu", refractory_s=10)
    assert names(wake, *spoken) == ["alexa", "okay_nabu"]


def test_any_split_of_the_audio_hears_the_same() -> None:
    pcm = silence(500) + wake_word("alexa") + silence(1000)
    cuts = [0, 2, 322, 5000, 5002, 20_000, len(pcm)]
    wake = listening_for("alexa")
    found = [wake.push(pcm[begin:end]) for begin, end in pairwise(cuts)]
    assert [word.name for word in found if word] == ["alexa"]


def test_a_threshold_of_its_own() -> None:
    near = (silence(500), wake_word("hey_jarvis"), silence(1000))
    assert names(listening_for("okay_nabu;threshold=0.05"), *near) == ["okay_nabu"]
    assert names(listening_for("okay_nabu"), *near) == []


def test_reset_forgets_a_word_that_was_not_noticed_yet() -> None:
    wake = listening_for("alexa")
    assert names(wake, silence(500), wake_word("alexa")) == []
    wake.reset()
    assert names(wake, silence(1000)) == []


def test_a_word_is_heard_right_after_a_reset() -> None:
    word, wake = wake_word("alexa"), listening_for("alexa")
    for _ in range(2):
        assert names(wake, word, silence(800)) == ["alexa"]
        wake.reset()
