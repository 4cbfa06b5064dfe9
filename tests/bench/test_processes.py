"""What is read off a program that writes subtitles: its cues, and whether it did its work."""

import sys

import pytest

from bench.processes import words_of, worked
from wyoming_voice.errors import UpstreamError

SRT = ["1", "00:00:00,256 --> 00:00:02,000", "Turn on the", "kitchen light.", "", "2"]
PRINTED = ["Detected", "[00:00.000 --> 00:01.280]  Turn on the kitchen light."]


def test_the_words_of_cues_are_read_without_numbers_and_times() -> None:
    assert words_of(SRT) == "Turn on the kitchen light."
    assert words_of(PRINTED[1:]) == "Turn on the kitchen light."


@pytest.mark.parametrize("lines", [SRT, PRINTED], ids=["SRT", "as Whisper prints"])
async def test_the_first_cue_is_seen_in_either_form(lines: list[str]) -> None:
    program = f"print({chr(10).join(lines)!r})"
    work = await worked([sys.executable, "-c", program])
    assert list(work.lines) == lines
    assert 0 < work.first_s <= work.whole_s
    assert work.peak_mb > 1


async def test_a_program_that_writes_no_cue_has_failed() -> None:
    with pytest.raises(UpstreamError, match="status 0"):
        await worked([sys.executable, "-c", "print('no words')"])


async def test_what_a_program_says_is_wrong_is_told() -> None:
    program = "import sys; sys.stderr.write('no such film'); sys.exit(3)"
    with pytest.raises(UpstreamError, match="status 3: no such film"):
        await worked([sys.executable, "-c", program])
