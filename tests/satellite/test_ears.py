"""What leaves the microphone: nothing before speech but a little pre-roll, all of it until it has ended."""

from satellite.ears import Ears, EarSettings, Heard, Send
from wyoming_voice.core.endpointing import EndpointSettings, SpeechEnded, SpeechStarted

SETTINGS = EarSettings(
    pre_roll_ms=3 * 32, endpointing=EndpointSettings(min_silence_ms=3 * 32, max_speech_ms=640)
)


def heard(picture: str) -> list[Heard]:
    """Frame number n carries the byte n, so that what is sent can be told."""
    ears = Ears(SETTINGS)
    events = [
        event
        for number, letter in enumerate(picture)
        for event in ears.push(bytes([number]), 0.9 if letter == "S" else 0.0)
    ]
    return events + ears.finish()


def sent(picture: str) -> bytes:
    return b"".join(event.pcm for event in heard(picture) if isinstance(event, Send))


def test_pre_roll_comes_first_and_silence_is_sent_until_the_end_is_certain() -> None:
    assert sent("......SS......") == bytes([5, 6, 7, 8, 9, 10])


def test_order_of_events() -> None:
    kinds = [type(event) for event in heard("....SSS....")]
    assert kinds[0] is SpeechStarted
    assert kinds[-1] is SpeechEnded
    assert set(kinds[1:-1]) == {Send}


def test_silence_sends_nothing() -> None:
    assert heard("." * 40) == []


def test_a_second_utterance_has_a_pre_roll_of_its_own() -> None:
    assert sent("SS......SS...") == bytes([0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12])


def test_speech_cut_off_by_the_end_of_the_audio_has_ended() -> None:
    assert isinstance(heard("..SSS")[-1], SpeechEnded)
