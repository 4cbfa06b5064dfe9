"""python -m bench.turn: from the last sample of a question to the first audible sample of its answer.

Ours is the stack as it is: voice detection, then ASR, handle and TTS over TCP, each reading while the one
before still writes; once as it comes, and once with an ASR server that does nothing before speech has
ended. Beside it stands the plain turn of the usual guides: 0.6 s of silence, then the same ASR, then the
language model's whole answer, then the same engine's speech of the whole text. The question comes at the
pace of a microphone, and the language model is a script of a fixed speed.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.contenders import WITHOUT
from bench.llm import Script, scripted_llm
from bench.servers import COMMAND_MODEL, ours, run, weights, whisper
from bench.speech import recordings
from bench.voices import ESPEAK, KOKORO, NO_CACHE, all_at_once, arguments_of, loaded
from satellite.ask import AskSettings, endpointing_of
from satellite.hearing.ears import EarSettings
from satellite.link import (
    Audible,
    Foreseen,
    Guessed,
    Happening,
    SentenceWritten,
    Servers,
    SpeechOver,
    Transcribed,
    Turn,
)
from wyoming_voice.benchmark.asking import transcribed
from wyoming_voice.benchmark.playback import played
from wyoming_voice.benchmark.recording import CHUNK_MS, Recording, paced
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.tts.engine import Engine
from wyoming_voice.vad import FRAME_MS

PLAIN = "plain turn"
ANSWER = (
    "The kitchen light is on now. I have set it to half of its brightness, since it is late. "
    "Say so if you want it brighter."
)
NOTICED, TRANSCRIPT, WRITTEN, GAP = (
    "end of speech noticed",
    "transcript",
    "first sentence, or whole answer",
    "response gap",
)
STAGES = (NOTICED, TRANSCRIPT, WRITTEN, GAP)
"""Rows of the report, in the order in which they happen when nothing is done early."""
GUESSED, BEGUN = "transcript, supposed", "answer begun"
"""Rows of what is done early: when the right guess came last, and when its answer was begun."""
_EARLY = {GUESSED: TRANSCRIPT, BEGUN: WRITTEN}

_CONTENDERS = {"ours": OURS, "without": WITHOUT, "plain": PLAIN}
_PLAIN_SILENCE_S = 0.6
_ENOUGH_SILENCE_MS = 2500


@dataclass(frozen=True)
class Stage:
    """What both kinds of turn use."""

    report: Report
    servers: dict[str, Servers]
    llm_url: str
    engine: Engine
    voice: str
    ears: EarSettings


async def main() -> None:
    arguments = parsed()
    script = Script(ANSWER, arguments.first_token_ms / 1000, arguments.tokens_per_s)
    report = Report(f"turn, ASR {arguments.model}, TTS {arguments.engine}", facts_of(arguments))
    contenders = [_CONTENDERS[name] for name in arguments.contenders]
    async with staged(report, arguments, script) as stage:
        questions = recordings(_ENOUGH_SILENCE_MS)
        for who in contenders:
            await one_turn(stage, who, questions[0])
        report.rows.clear()  # the first turns warm everything up
        for run in range(arguments.runs):
            for who in contenders if run % 2 == 0 else contenders[::-1]:
                await one_turn(stage, who, questions[run % len(questions)])
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.turn", description=__doc__)
    parser.add_argument("--model", default="command", help="as in bench.asr")
    parser.add_argument("--engine", choices=(KOKORO, ESPEAK), default=ESPEAK)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument(
        "--contenders", nargs="+", choices=list(_CONTENDERS), default=list(_CONTENDERS)
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--silence-ms", type=int, default=800, help="that ends a question")
    parser.add_argument(
        "--endpoint",
        choices=("dynamic", "fixed"),
        default="dynamic",
        help="whether what was said makes that shorter or longer, where it is known",
    )
    parser.add_argument("--first-token-ms", type=float, default=200)
    parser.add_argument("--tokens-per-s", type=float, default=20)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "runs": arguments.runs,
        "silence that ends a question": f"ours {arguments.silence_ms} ms, {arguments.endpoint}, "
        "plain 600 ms",
        "language model": f"first token after {arguments.first_token_ms:g} ms, then "
        f"{arguments.tokens_per_s:g} a second, {len(ANSWER.split())} in all",
    }


@contextlib.asynccontextmanager
async def staged(
    report: Report, arguments: argparse.Namespace, script: Script
) -> AsyncIterator[Stage]:
    """All servers, and the engine of the plain turn."""
    model = await whisper(arguments.model)
    voices = await weights("kokoro", KOKORO) if arguments.engine == KOKORO else COMMAND_MODEL
    engine, voice = await asyncio.to_thread(loaded, arguments.engine, voices, arguments.threads)
    effort = ("--device", "cpu", "--cpu-threads", str(arguments.threads))
    speaking = await arguments_of(arguments.engine, arguments.threads)
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        llm_url = await enter(scripted_llm(script))
        hearing = ("asr", "--model", str(model), "--language", "en", *effort)
        asr = {OURS: (await enter(ours(*hearing))).uri}
        if "without" in arguments.contenders:
            asr[WITHOUT] = (await enter(ours(*hearing, "--speculate-after-ms", "0"))).uri
        handle = await enter(ours("handle", "--llm-url", llm_url))
        tts = await enter(ours("tts", *speaking, *NO_CACHE))
        asked = {"min_silence_ms": arguments.silence_ms, "endpoint": arguments.endpoint}
        ears = EarSettings(endpointing_of(AskSettings.model_validate(asked)))
        servers = {who: Servers(uri, handle.uri, tts.uri) for who, uri in asr.items()}
        yield Stage(report, servers, llm_url, engine, voice, ears)


async def one_turn(stage: Stage, who: str, question: Recording) -> None:
    """The stages' times, and the gap, counted from the question's last sound."""
    if who == PLAIN:
        times = await plain_turn(stage, question)
    else:
        times = await our_turn(stage, stage.servers[who], question)
    for name, at_s in times.items():
        early = {"measure": "early", "stage": _EARLY.get(name, name)}
        about = {"measure": "stage", "stage": name} if name in STAGES else early
        stage.report.row(name, "ms", about).add(who, 1000 * at_s)


async def our_turn(stage: Stage, servers: Servers, question: Recording) -> dict[str, float]:
    """Stage -> when it was reached, in seconds after the question's last sound."""
    happened: list[Happening] = []
    turn = Turn(servers, happened.append)
    begin_s = time.monotonic()
    end_s = begin_s + question.last_sound_s
    frames = paced(question.chunks(FRAME_MS), FRAME_MS, begin_s)
    text = await turn.hear(frames, stage.ears)
    if not text:
        raise SystemExit(f"nothing was understood of {question.text!r}")
    await turn.respond(text)
    return {name: at_s - end_s for name, at_s in _milestones(happened).items()}


def _milestones(happened: list[Happening]) -> dict[str, float]:
    """Name of a row -> when it happened first."""
    times: dict[str, float] = {}
    guesses: dict[str, float] = {}
    for happening in happened:
        match happening:
            case SpeechOver(_, noticed_s):
                times.setdefault(NOTICED, noticed_s)
            case Guessed(at_s, text):
                guesses[text.strip()] = at_s
            case Transcribed(at_s, text):
                if text.strip() in guesses:
                    times[GUESSED] = guesses[text.strip()]
                times.setdefault(TRANSCRIPT, at_s)
            case Foreseen(at_s, since_s):
                times[BEGUN] = at_s - since_s
            case SentenceWritten(at_s, _):
                times.setdefault(WRITTEN, at_s)
            case Audible(at_s):
                times.setdefault(GAP, at_s)
    return times


async def plain_turn(stage: Stage, question: Recording) -> dict[str, float]:
    """As `our_turn`, one thing after another; the end of speech is known, without a detector's doubt."""
    begin_s = time.monotonic()
    end_s = begin_s + question.last_sound_s
    await asyncio.sleep(max(0.0, end_s + _PLAIN_SILENCE_S - time.monotonic()))
    noticed_s = time.monotonic()
    spoken = question.chunks(CHUNK_MS)[: 1 + int((noticed_s - begin_s) * 1000 / CHUNK_MS)]
    heard = await transcribed(stage.servers[OURS].asr, spoken, at_once=True)
    transcript_s = time.monotonic()
    answer = await _whole_answer(stage.llm_url, heard.text)
    answered_s = time.monotonic()
    playback = await asyncio.to_thread(_spoken, stage.engine, stage.voice, answer)
    if playback is None:
        raise SystemExit("the plain turn made nothing audible")
    reached_s = (noticed_s, transcript_s, answered_s, answered_s + playback)
    return {name: at_s - end_s for name, at_s in zip(STAGES, reached_s, strict=True)}


async def _whole_answer(llm_url: str, text: str) -> str:
    asked = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answered = await client.post(f"{llm_url}/v1/chat/completions", json=asked)
    return str(answered.json()["choices"][0]["message"]["content"])


def _spoken(engine: Engine, voice: str, text: str) -> float | None:
    return played(all_at_once(engine, voice, text)).first_audible_s


if __name__ == "__main__":
    run(main())
