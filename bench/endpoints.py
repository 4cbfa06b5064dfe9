"""python -m bench.endpoints: how many pauses are taken for the end, and how late the end is noticed.

Scripted people (`tests.people`), or the recordings of a directory, in which every pause lies within a turn.
At each pause a real recogniser says what was said so far, as the ASR server does on speculation: the command
model where it knows the words, pocketsphinx otherwise. Silero hears it all; each policy then judges the same
frames with the same words. `joined` are cuts that stitching mends: speech went on soon enough after them.
Where smart-turn's model is installed, it has its say as well.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from faster_whisper import decode_audio

from bench.servers import COMMAND_MODEL
from satellite.turn import TurnSettings
from tests.people import TRAILING_MS, Script, Spoken, Why, turns
from wyoming_voice.asr.engine import DecodeOptions, Engine
from wyoming_voice.asr.pocketsphinx import Pocketsphinx
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings
from wyoming_voice.audio import Audio
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.core.completeness import Completeness, completeness
from wyoming_voice.core.endpointing import (
    SILENCES,
    Endpointer,
    EndpointSettings,
    SpeechEnded,
    SpeechStarted,
    endpoint_settings,
)
from wyoming_voice.core.pauses import Pauses
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.errors import ConfigError
from wyoming_voice.smart_turn import SmartTurn
from wyoming_voice.vad import FRAME_MS, FRAME_SAMPLES, Silero

_LOOK_MS = 192
"""The silence after which the words are looked at: `--speculate-after-ms`, in whole frames."""

_FIXED_MS = (300, 500, 600, 800, 1250)
_THINKS_MS = 60
"""What smart-turn takes."""

_STITCH_MS = TurnSettings().stitch_ms


@dataclass(frozen=True)
class Look:
    """A pause that has just become long enough to be looked at: in which frame, and what it looked like."""

    frame: int
    text: str
    words: Completeness
    sound: Completeness | None


@dataclass(frozen=True)
class Heard:
    """A turn as the ears have it."""

    spoken: Spoken
    probabilities: Sequence[float]
    looks: Sequence[Look]


@dataclass(frozen=True)
class Policy:
    """How long a silence ends a turn; whether the words, the sound, and the speaker's habit count.

    `stops`: with words behind which a full stop stands in any case, as Whisper writes them.
    """

    name: str
    settings: EndpointSettings
    words: bool = False
    sound: bool = False
    habit: bool = False
    stops: bool = False


@dataclass(frozen=True)
class Cut:
    """A pause of `pause_ms` that was taken for the end; `resumed_ms` after that somebody spoke again."""

    pause_ms: int
    resumed_ms: int

    @property
    def joined(self) -> bool:
        """Whether stitching mends it."""
        return self.resumed_ms <= _STITCH_MS


def main() -> None:
    arguments = parsed()
    smart_turn = _smart_turn()
    spoken = list(recorded(arguments.audio) if arguments.audio else turns(rounds=arguments.rounds))
    heard = [listen(one, recognisers(), smart_turn) for one in spoken]
    report = Report("end of speech", facts_of(arguments, heard, smart_turn))
    for policy in policies(arguments.sensitivity, with_sound=smart_turn is not None):
        judge(report, policy, heard, arguments.decode_ms)
    report.publish(arguments.json)
    if arguments.looks:
        for one in heard:
            for look in one.looks:
                print(one.spoken.person, one.spoken.script.text, look, sep="\t")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.endpoints", description=__doc__)
    parser.add_argument("--audio", type=Path, help="a directory of WAV or FLAC files instead")
    parser.add_argument("--rounds", type=int, default=2, help="how often each says everything")
    parser.add_argument("--sensitivity", choices=list(SILENCES), default="default")
    parser.add_argument("--decode-ms", type=int, default=150, help="what a transcript takes")
    parser.add_argument("--looks", action="store_true", help="print what each pause looked like")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def facts_of(
    arguments: argparse.Namespace, heard: list[Heard], smart_turn: SmartTurn | None
) -> dict[str, object]:
    pauses = sum(len(one.spoken.pauses) for one in heard)
    return {
        "speech": f"{len(heard)} turns with {pauses} pauses, {arguments.audio or 'scripted people'}",
        "words": f"looked at after {_LOOK_MS} ms of silence, known {arguments.decode_ms} ms later",
        "smart-turn": "installed" if smart_turn else "not installed",
    }


def policies(sensitivity: str, *, with_sound: bool) -> Iterator[Policy]:
    for silence_ms in _FIXED_MS:
        yield Policy(f"fixed {silence_ms} ms", EndpointSettings(min_silence_ms=silence_ms))
    dynamic = endpoint_settings(sensitivity, 0.5, 20, dynamic=True)
    yield Policy("words", dynamic, words=True)
    yield Policy(OURS, dynamic, words=True, habit=True)
    yield Policy("ours, full stops", dynamic, words=True, habit=True, stops=True)
    if with_sound:
        yield Policy("smart-turn alone", dynamic, sound=True, habit=True)
        yield Policy("ours, smart-turn", dynamic, words=True, sound=True, habit=True)


def recognisers() -> dict[bool, Engine]:
    """By whether a command is said."""
    if not _LOADED:
        _LOADED[True] = Whisper(str(COMMAND_MODEL), WhisperSettings(device="cpu", cpu_threads=1))
        _LOADED[False] = Pocketsphinx()
        for engine in _LOADED.values():
            engine.load()
    return _LOADED


_LOADED: dict[bool, Engine] = {}


def recorded(directory: Path) -> Iterator[Spoken]:
    """Recordings with their pauses as Silero hears them."""
    paths = sorted(path for path in directory.iterdir() if path.suffix in (".wav", ".flac"))
    if not paths:
        raise ConfigError(f"no recordings in {str(directory)!r}")
    for path in paths:
        silence = np.zeros(SPEECH.rate_hz * TRAILING_MS // 1000, np.float32)
        samples = np.concatenate([silence[: SPEECH.rate_hz // 2], decode_audio(str(path)), silence])
        loud = [number for number, p in enumerate(_probabilities(samples)) if p >= 0.35]
        gaps = pairwise(loud)
        pauses = [(FRAME_MS * (a + 1), FRAME_MS * b) for a, b in gaps if (b - a) * FRAME_MS > 150]
        ends_ms = FRAME_MS * (loud[-1] + 1)
        script = Script(path.stem, Why.CLAUSE, command=False)
        yield Spoken(path.stem, path.stem, samples, tuple(pauses), ends_ms, script)


def listen(spoken: Spoken, engines: dict[bool, Engine], smart_turn: SmartTurn | None) -> Heard:
    """What there is to be known of a turn, once for all policies."""
    probabilities = _probabilities(spoken.samples)
    looks = [
        _look(spoken, frame, engines[spoken.script.command], smart_turn)
        for frame in _pauses_long_enough(probabilities)
    ]
    return Heard(spoken, probabilities, looks)


def _probabilities(samples: Audio) -> list[float]:
    silero = Silero()
    whole = len(samples) - len(samples) % FRAME_SAMPLES
    return [silero.score(samples[at : at + FRAME_SAMPLES]) for at in range(0, whole, FRAME_SAMPLES)]


def _pauses_long_enough(probabilities: Sequence[float]) -> Iterator[int]:
    endpointer = Endpointer(EndpointSettings(min_silence_ms=10**6, max_speech_ms=10**6))
    for frame, probability in enumerate(probabilities):
        endpointer.push(probability)
        if endpointer.silence_ms == _LOOK_MS:
            yield frame


def _look(spoken: Spoken, frame: int, engine: Engine, smart_turn: SmartTurn | None) -> Look:
    so_far = spoken.samples[: (frame + 1) * FRAME_SAMPLES]
    segments = engine.transcribe(so_far, DecodeOptions(language="en"))
    text = "".join(segment.text for segment in segments if segment is not None).strip()
    sound = smart_turn.completeness(so_far) if smart_turn else None
    return Look(frame, text, completeness(text, "en"), sound)


def judge(report: Report, policy: Policy, heard: list[Heard], decode_ms: int) -> None:
    """All turns by one policy; a speaker's habit is learnt from turn to turn."""
    habits: dict[str, Pauses] = {}
    cuts: list[tuple[Why, Cut]] = []
    cut_turns = broken_turns = 0
    for one in heard:
        habit = habits.setdefault(one.spoken.person, Pauses())
        delay_ms, own = play(policy, one, habit, decode_ms)
        report.row("end noticed after", "ms").add(policy.name, delay_ms)
        cuts += [(one.spoken.script.why, cut) for cut in own]
        cut_turns += bool(own)
        broken_turns += any(not cut.joined for cut in own)
    for why in (None, *Why):
        there = [one for one in heard if why in (None, one.spoken.script.why)]
        pauses = sum(len(one.spoken.pauses) for one in there)
        count = sum(why in (None, its) for its, _ in cuts)
        if pauses:
            name = f"pauses cut: {why or 'all'}"
            report.row(name, "%").add(policy.name, 100 * count / pauses)
    for what, count in (("turns cut", cut_turns), ("turns cut and not joined", broken_turns)):
        report.row(what, "%").add(policy.name, 100 * count / len(heard))


def play(policy: Policy, heard: Heard, habit: Pauses, decode_ms: int) -> tuple[float, list[Cut]]:
    """How late the end was noticed in ms, and the cuts before it."""
    endpointer = Endpointer(policy.settings)
    news = _news(policy, heard.looks, decode_ms)
    ends: list[tuple[int, int]] = []
    starts: list[tuple[int, int]] = []
    opinions: set[Completeness] = set()
    for frame, probability in enumerate(heard.probabilities):
        for endpoint in endpointer.push(probability):
            match endpoint:
                case SpeechStarted(at_ms):
                    starts.append((at_ms, (frame + 1) * FRAME_MS))
                case SpeechEnded(at_ms):
                    ends.append((at_ms, (frame + 1) * FRAME_MS))
        habit.note(endpointer.ended_pause_ms)
        if not endpointer.silence_ms:
            opinions.clear()
        opinions |= news.get(frame, set()) if endpointer.silence_ms else set()
        if opinions:
            endpointer.expect(_held(opinions), habit.at_least_ms if policy.habit else 0)
    cuts = [
        Cut(began_ms - ended_ms, heard_ms - decided_ms)
        for (ended_ms, decided_ms), (began_ms, heard_ms) in zip(ends, starts[1:], strict=False)
    ]
    for cut in cuts:
        habit.note(cut.pause_ms if cut.joined else 0)
    _, last_ms = ends[-1]
    return last_ms - heard.spoken.ends_ms, cuts


def _news(policy: Policy, looks: Sequence[Look], decode_ms: int) -> dict[int, set[Completeness]]:
    """What becomes known in which frame."""
    news: dict[int, set[Completeness]] = {}
    for look in looks:
        if policy.words:
            words = _with_a_stop(look) if policy.stops else look.words
            news.setdefault(look.frame + _frames(decode_ms), set()).add(words)
        if policy.sound and look.sound is not None:
            news.setdefault(look.frame + _frames(_THINKS_MS), set()).add(look.sound)
    return news


def _with_a_stop(look: Look) -> Completeness:
    bare = look.text and look.text[-1] not in ".?!,"
    return completeness(f"{look.text}." if bare else look.text, "en")


def _frames(length_ms: int) -> int:
    return -(-length_ms // FRAME_MS)


def _held(opinions: set[Completeness]) -> Completeness:
    """As the satellite's ears weigh them."""
    held = (Completeness.OPEN, Completeness.COMPLETE, Completeness.UNKNOWN)
    return next(opinion for opinion in held if opinion in opinions)


def _smart_turn() -> SmartTurn | None:
    try:
        return SmartTurn()
    except ConfigError:
        return None


if __name__ == "__main__":
    main()
