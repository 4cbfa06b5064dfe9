"""What the doctor says about what it has measured: each line is ok, or what to do. Pure.

Rule: a line that is not ok names the remedy; what was not examined says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from satellite.doctor.measure import Echo, Level, Spoken
from satellite.standalone.servers import LOCAL

QUIETEST_SPEECH_DBFS = -45.0
LOUDEST_NOISE_DBFS = -40.0
WANTED_SPEECH_DBFS = -25.0
LEAST_OVER_NOISE_DB = 10.0
MOST_CLIPPED = 0.001
SHORTEST_SPEECH_MS = 250
"""What the ears take for speech."""
LEAST_CANCELLED_DB = 10.0
LOUD_ECHO_DB = -20.0
FAINT_ECHO_DB = -40.0
LONGEST_DELAY_MS = 500
"""What the echo canceller still finds (measured)."""

_OTHER_DEVICE = "choose another (`wyoming-voice satellite devices`, then --mic NAME)"


class Verdict(StrEnum):
    """How something is; the text is what a person reads."""

    OK = "ok"
    BAD = "!!"
    SKIPPED = "--"


@dataclass(frozen=True)
class Line:
    """One thing that was examined, what was found, and what to do about it."""

    verdict: Verdict
    part: str
    found: str
    remedy: str = ""


def ok(part: str, found: str, remark: str = "") -> Line:
    """All is well."""
    return Line(Verdict.OK, part, found, remark)


def bad(part: str, found: str, remedy: str) -> Line:
    """Something has to be done."""
    return Line(Verdict.BAD, part, found, remedy)


def at(uri: str, error: str) -> str:
    """What is wrong with the server at an address, which is said once."""
    return error if error.startswith(uri) else f"{uri}: {error}"


def skipped(part: str, why: str, remark: str = "") -> Line:
    """It was not examined."""
    return Line(Verdict.SKIPPED, part, why, remark)


def noise_line(noise: Level, hum_hz: int | None) -> Line:
    """How loud it is while nobody speaks."""
    part, found = "noise floor", f"{noise.rms_dbfs:.0f} dBFS"
    if noise.silent:
        return ok(part, "digital silence")
    hums = f", mostly hum of {hum_hz} Hz" if hum_hz else ""
    if noise.rms_dbfs <= LOUDEST_NOISE_DBFS:
        return ok(part, found + hums)
    if hum_hz:
        return bad(part, found + hums, "try another power supply, cable or USB port")
    return bad(
        part,
        f"{found}: it is loud here, or the gain is too high",
        "lower the microphone's gain (alsamixer, pavucontrol), or try --noise-suppression 2",
    )


def level_line(noise: Level, heard: Level, speech: Spoken, gain_db: float, asked: bool) -> Line:
    """How loud the microphone was while somebody was to speak; levels are those after the gain."""
    part, found = "level", f"peak {heard.peak_dbfs:.0f} dBFS"
    if heard.silent and noise.silent:
        return bad(
            part,
            "nothing but zeros: it is muted, or the wrong device",
            f"look for a mute switch, alsamixer (M unmutes) or pavucontrol; or {_OTHER_DEVICE}",
        )
    if heard.clipped > MOST_CLIPPED:
        return bad(
            part,
            f"{found}, {heard.clipped:.1%} of it cut off",
            f"lower the microphone's gain (alsamixer, pavucontrol) or --mic-gain-db {gain_db - 6:g}",
        )
    if speech.length_ms < SHORTEST_SPEECH_MS:
        return _without_speech(heard, found, asked)
    found += f", speech {speech.rms_dbfs:.0f} dBFS"
    if speech.rms_dbfs < QUIETEST_SPEECH_DBFS:
        more_db = min(40, round(gain_db + WANTED_SPEECH_DBFS - speech.rms_dbfs))
        return bad(
            part,
            f"{found}: too quiet",
            f"raise the microphone's gain (alsamixer, pavucontrol), or --mic-gain-db {more_db}",
        )
    over_db = speech.rms_dbfs - noise.rms_dbfs
    if over_db < LEAST_OVER_NOISE_DB:
        return bad(
            part,
            f"{found}: only {over_db:.0f} dB over the noise",
            "bring the microphone nearer, or try --noise-suppression 2",
        )
    return ok(part, found)


def speech_line(speech: Spoken, asked: bool) -> Line:
    """Whether the voice detector has found speech."""
    part, found = "voice detector", f"{speech.length_ms / 1000:.1f} s of speech"
    sure = f"at best {speech.best_probability:.0%} sure"
    if speech.length_ms >= SHORTEST_SPEECH_MS:
        return ok(part, f"{found}, {sure}")
    if not asked:
        return skipped(part, "nobody was asked to speak, and no speech was heard")
    return bad(
        part,
        f"{found}, {sure}",
        "speak up or come nearer; if you did, see the level above, or lower --vad-threshold",
    )


def wake_line(phrases: Sequence[str], heard: Sequence[str], asked: bool) -> Line:
    """Which wake words are listened for, and which were heard while somebody was to speak."""
    part, listens = "wake words", f"listens for {', '.join(map(repr, phrases))}"
    if heard:
        return ok(part, f"{listens}; heard {', '.join(map(repr, dict.fromkeys(heard)))}")
    remark = "if you said it: come nearer, or give it a ;threshold=0.5" if asked else ""
    return ok(part, f"{listens}; none was heard", remark)


def echo_line(echo: Echo, cleaning: str, *, cancels: bool) -> Line:
    """What comes back of our own voice, and what the canceller takes away."""
    part = "echo"
    if not echo.heard:
        return ok(
            part,
            f"nothing comes back over the noise ({echo.noise_db:.0f} dB)",
            "if you heard nothing either: choose another loudspeaker (--snd NAME), or turn it up",
        )
    if echo.return_db is None:
        return ok(part, "lost in the noise")
    found = f"echo {echo.return_db:.0f} dB after {echo.delay_ms} ms"
    if not cancels:
        return _uncancelled(echo.return_db, f"{found}, {cleaning}")
    if echo.left_db is None:
        return ok(part, f"{found}, cancelled to below the noise ({echo.noise_db:.0f} dB)")
    found += f", cancelled to {echo.left_db:.0f} dB"
    if echo.return_db - echo.left_db >= LEAST_CANCELLED_DB or echo.left_db < FAINT_ECHO_DB:
        return ok(part, found)
    if echo.delay_ms > LONGEST_DELAY_MS:
        return bad(
            part, found, f"over {LONGEST_DELAY_MS} ms is too late to cancel; try --aec server"
        )
    return bad(
        part,
        found,
        "turn the loudspeaker down (it distorts), set it apart from the microphone, or --aec server",
    )


def missing_remedy(kind: str) -> str:
    """How a server of a kind is had."""
    return (
        f"start one (`wyoming-voice {kind}`, or `wyoming-voice up` for all), name it "
        f"(--{kind}-uri {LOCAL[kind].replace('127.0.0.1', 'HOST')}), or let Home Assistant answer (--mode ha)"
    )


def _without_speech(heard: Level, found: str, asked: bool) -> Line:
    if not asked:
        return skipped("level", f"nobody was asked to speak ({found})")
    if heard.peak_dbfs < QUIETEST_SPEECH_DBFS:
        return bad(
            "level",
            f"{found}: hardly anything is heard",
            f"raise the microphone's gain (alsamixer, pavucontrol), or {_OTHER_DEVICE}",
        )
    return bad("level", f"{found}, but no speech", "run this again and speak when it asks you to")


def _uncancelled(return_db: float, found: str) -> Line:
    if return_db < LOUD_ECHO_DB:
        return ok("echo", found)
    return bad("echo", found, "have it cancelled here: --aec inproc; or turn the loudspeaker down")
