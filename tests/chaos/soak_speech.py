"""The soak's conversation in words: speech that a real recogniser hears and real voice detection finds.

What espeak-ng says is heard by faster-whisper with the command model, recordings by pocketsphinx, which
understands some of anything; each answer has the number of its turn as its tune. Rules: whichever server
is killed, no utterance is lost, none is answered twice, and what was said is understood word for word, where
it is known.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.asr.speech import COMMAND_MODEL, said
from tests.chaos.conversation import KINDS, Killer, Plan, Server, Story
from tests.chaos.llm import CodeLlm, answer_to
from tests.chaos.processes import Kept
from tests.chaos.satellite import satellite
from tests.llama_swap import END, Asked, Reply, delta
from wyoming_voice.audio import to_pcm16
from wyoming_voice.vad import Silero
from wyoming_voice.wav import read_speech

Facts = dict[str, Any]

COMMANDS = (
    "Turn on the kitchen light.",
    "Stop the music.",
    "What time is it?",
)
_WHISPER = (f"--model={COMMAND_MODEL}", "--language=en", "--cpu-threads=1", "--workers=1")
_POCKETSPHINX = ("--engine=pocketsphinx",)


@dataclass(frozen=True)
class Utterance:
    """16 kHz, 16 bit, mono; the text is "" where nobody knows it."""

    pcm: bytes
    text: str = ""


def utterances(recordings: Path | None) -> list[Utterance]:
    """Those in a directory's WAV files, or espeak-ng's."""
    if recordings is not None:
        files = sorted(recordings.rglob("*.wav"))
        if not files:
            raise ValueError(f"no *.wav in {str(recordings)!r}")
        return [Utterance(to_pcm16(read_speech(file))) for file in files]
    return [Utterance(to_pcm16(said(text)), text) for text in COMMANDS]


class _EchoLlm(CodeLlm):
    """Answers whatever it is asked with the number of the turn."""

    number = 0

    def _reply(self, asked: Asked) -> Reply:
        if asked.path != "/v1/chat/completions":
            return super()._reply(asked)
        return Reply([delta(role="assistant", content=answer_to(self.number)), *END])


class _Detector:
    """The probability of speech in each frame of a room."""

    def __init__(self) -> None:
        self._silero = Silero()

    def score(self, pcm: bytes) -> float:
        return self._silero.score(np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32_768))


async def speech(
    turns: int, every_s: float, recordings: Path | None = None
) -> tuple[Facts, list[str]]:
    """Facts of a conversation of so many turns, and what must not be."""
    ones = utterances(recordings)
    recogniser = _WHISPER if recordings is None else _POCKETSPHINX
    plan = Plan(each=2, every_s=every_s, spare=True)
    story = await _told(ones, recogniser, turns, plan)
    failures = [f"lost: {turn}" for turn in story.turns if turn.lost]
    failures += [f"heard twice: {turn}" for turn in story.turns if turn.twice]
    known = [(ones[at % len(ones)].text, turn) for at, turn in enumerate(story.turns)]
    wrong = [turn for text, turn in known if text and turn.text and turn.text != text]
    failures += [f"understood wrong: {turn}" for turn in wrong]
    return {**story.facts, "understood_wrong": len(wrong)}, failures


async def _told(
    ones: Sequence[Utterance], recogniser: Sequence[str], turns: int, plan: Plan
) -> Story:
    story = Story()
    async with contextlib.AsyncExitStack() as stack:
        llm = _EchoLlm()
        await stack.enter_async_context(llm)
        own = {
            "asr": ["asr", *recogniser],
            "handle": ["handle", f"--llm-url={llm.url}"],
            "tts": ["code-tts"],
        }
        servers: dict[str, list[Server]] = {
            kind: [Kept(own[kind][0], own[kind][1:], plan.pause_s) for _ in range(plan.each)]
            for kind in KINDS
        }
        everyone = [one for kept in servers.values() for one in kept]
        await asyncio.gather(*(stack.enter_async_context(one.running()) for one in everyone))
        uris = {kind: [one.uri for one in kept] for kind, kept in servers.items()}
        person = await stack.enter_async_context(satellite(uris, score=_Detector().score))
        killer = Killer(plan, servers, story.kills)
        killing = asyncio.create_task(killer.at_random())
        try:
            for number in range(1, turns + 1):
                llm.number = number
                one = ones[(number - 1) % len(ones)]
                story.turns.append(await person.turn(number, pcm=one.pcm))
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
    return story
