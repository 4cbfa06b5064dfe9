"""python -m bench.turn: from the last sample of a question to the first audible sample of its answer.

Ours is the stack as it is: voice detection, then ASR, handle and TTS over TCP, each reading while the one
before still writes. Beside it stands the plain turn of the usual guides: 0.6 s of silence, then the same
ASR, then the language model's whole answer, then the same engine's speech of the whole text. The question
comes at the pace of a microphone, and the language model is a script of a fixed speed.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.asr import COMMAND_MODEL, named_model
from bench.llm import Script, scripted_llm
from bench.measure import OURS, Report
from bench.playback import played
from bench.servers import ours, weights
from bench.speech import CHUNK_MS, Recording, paced, recordings, transcribed
from bench.voices import ESPEAK, KOKORO, all_at_once, arguments_of, loaded
from satellite.hearing.ears import EarSettings
from satellite.link import (
    Audible,
    Happening,
    SentenceWritten,
    Servers,
    SpeechOver,
    Transcribed,
    Turn,
)
from wyoming_voice.core.endpointing import EndpointSettings
from wyoming_voice.tts.engine import Engine
from wyoming_voice.vad import FRAME_MS

PLAIN = "plain turn"
ANSWER = (
    "The kitchen light is on now. I have set it to half of its brightness, since it is late. "
    "Say so if you want it brighter."
)
_PLAIN_SILENCE_S = 0.6
_ENOUGH_SILENCE_MS = 2500


@dataclass(frozen=True)
class Stage:
    """What both kinds of turn use."""

    report: Report
    servers: Servers
    llm_url: str
    engine: Engine
    voice: str
    ears: EarSettings


async def main() -> None:
    arguments = parsed()
    script = Script(ANSWER, arguments.first_token_ms / 1000, arguments.tokens_per_s)
    report = Report(f"turn, ASR {arguments.model}, TTS {arguments.engine}", facts_of(arguments))
    async with staged(report, arguments, script) as stage:
        questions = recordings(_ENOUGH_SILENCE_MS)
        await our_turn(stage, questions[0])
        report.rows.clear()  # the first turn warms everything up
        for run in range(arguments.runs):
            question = questions[run % len(questions)]
            for turn in (our_turn, plain_turn) if run % 2 == 0 else (plain_turn, our_turn):
                await turn(stage, question)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.turn", description=__doc__)
    parser.add_argument("--model", default="command", help="as in bench.asr")
    parser.add_argument("--engine", choices=(KOKORO, ESPEAK), default=ESPEAK)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    default_ms = EndpointSettings().min_silence_ms
    parser.add_argument("--silence-ms", type=int, default=default_ms, help="that ends a question")
    parser.add_argument("--first-token-ms", type=float, default=200)
    parser.add_argument("--tokens-per-s", type=float, default=20)
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "runs": arguments.runs,
        "silence that ends a question": f"ours {arguments.silence_ms} ms, plain 600 ms",
        "language model": f"first token after {arguments.first_token_ms:g} ms, then "
        f"{arguments.tokens_per_s:g} a second, {len(ANSWER.split())} in all",
    }


@contextlib.asynccontextmanager
async def staged(
    report: Report, arguments: argparse.Namespace, script: Script
) -> AsyncIterator[Stage]:
    """All servers, and the engine of the plain turn."""
    model = named_model(arguments.model) or await weights(
        "whisper", f"whisper-{arguments.model}", "--size", arguments.model
    )
    voices = await weights("kokoro", KOKORO) if arguments.engine == KOKORO else COMMAND_MODEL
    engine, voice = await asyncio.to_thread(loaded, arguments.engine, voices, arguments.threads)
    effort = ("--device", "cpu", "--cpu-threads", str(arguments.threads))
    speaking = await arguments_of(arguments.engine, arguments.threads)
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        llm_url = await enter(scripted_llm(script))
        asr = await enter(ours("asr", "--model", str(model), "--language", "en", *effort))
        handle = await enter(ours("handle", "--llm-url", llm_url))
        tts = await enter(ours("tts", *speaking))
        ears = EarSettings(
            endpointing=EndpointSettings(FRAME_MS, min_silence_ms=arguments.silence_ms)
        )
        yield Stage(report, Servers(asr.uri, handle.uri, tts.uri), llm_url, engine, voice, ears)


async def our_turn(stage: Stage, question: Recording) -> None:
    """The stages' times, and the gap, counted from the question's last sound."""
    happened: list[Happening] = []
    turn = Turn(stage.servers, happened.append)
    begin_s = time.monotonic()
    end_s = begin_s + question.last_sound_s
    frames = paced(question.chunks(FRAME_MS), FRAME_MS, begin_s)
    text = await turn.hear(frames, stage.ears)
    if not text:
        raise SystemExit(f"nothing was understood of {question.text!r}")
    await turn.respond(text)
    for name, at_s in _milestones(happened).items():
        stage.report.row(name, "ms").add(OURS, 1000 * (at_s - end_s))


def _milestones(happened: list[Happening]) -> dict[str, float]:
    """Name of a row -> when it happened first."""
    times: dict[str, float] = {}
    for happening in happened:
        match happening:
            case SpeechOver(_, noticed_s):
                times.setdefault("end of speech noticed", noticed_s)
            case Transcribed(at_s, _):
                times.setdefault("transcript", at_s)
            case SentenceWritten(at_s, _):
                times.setdefault("first sentence, or whole answer", at_s)
            case Audible(at_s):
                times.setdefault("response gap", at_s)
    return times


async def plain_turn(stage: Stage, question: Recording) -> None:
    """One thing after another; the end of speech is known, which spares it a voice detector's doubt."""
    begin_s = time.monotonic()
    end_s = begin_s + question.last_sound_s
    await asyncio.sleep(max(0.0, end_s + _PLAIN_SILENCE_S - time.monotonic()))
    noticed_s = time.monotonic()
    spoken = question.chunks(CHUNK_MS)[: 1 + int((noticed_s - begin_s) * 1000 / CHUNK_MS)]
    heard = await transcribed(stage.servers.asr, spoken, at_once=True)
    transcript_s = time.monotonic()
    answer = await _whole_answer(stage.llm_url, heard.text)
    answered_s = time.monotonic()
    playback = await asyncio.to_thread(_spoken, stage.engine, stage.voice, answer)
    if playback is None:
        raise SystemExit("the plain turn made nothing audible")
    times = {
        "end of speech noticed": noticed_s,
        "transcript": transcript_s,
        "first sentence, or whole answer": answered_s,
        "response gap": answered_s + playback,
    }
    for name, at_s in times.items():
        stage.report.row(name, "ms").add(PLAIN, 1000 * (at_s - end_s))


async def _whole_answer(llm_url: str, text: str) -> str:
    asked = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answered = await client.post(f"{llm_url}/v1/chat/completions", json=asked)
    return str(answered.json()["choices"][0]["message"]["content"])


def _spoken(engine: Engine, voice: str, text: str) -> float | None:
    return played(all_at_once(engine, voice, text)).first_audible_s


if __name__ == "__main__":
    asyncio.run(main())
