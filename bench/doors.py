"""python -m bench.doors: what each door costs: HTTP and WebSockets beside Wyoming, all to the same server.

In one run the doors take turns, request by request, each with a connection of its own, and from connecting
on. In front of the same server stands the HTTP server that comes with `wyoming`, which asks it over Wyoming
in its turn. Recordings are uploaded as WAV files of 16 kHz. At a microphone's pace, Wyoming and the
WebSocket are timed from the last sample. The gateway's conversation stands beside the turn of
`wyoming-voice ask`. In each row "ours" is the door that the row is named after.
"""

import argparse
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from bench import turn
from bench.door_rounds import PEER, Cpu, Door, compare, warm_up
from bench.llm import Script
from bench.over_http import (
    Reply,
    caller,
    heard_by_socket,
    spoken_by_post,
    spoken_by_socket,
    text_of,
    wav,
)
from bench.servers import PEERS, Measured, gateway, http_peer, ours, run, whisper
from bench.speech import recordings
from bench.talking import talked
from bench.unpacking import Mp3, Samples, Wav
from bench.voices import ESPEAK, KOKORO, NO_CACHE, arguments_of
from wyoming_voice.benchmark.asking import spoken, transcribed
from wyoming_voice.benchmark.recording import Recording
from wyoming_voice.benchmark.report import OURS, Report
from wyoming_voice.benchmark.texts import LONGEST, SENTENCE, TEXTS

WYOMING = f"{OURS}, over Wyoming"
ASK = f"{OURS}, wyoming-voice ask"

_HTTP = ("--http", "tcp://127.0.0.1:0")
_OPENAI_RATE_HZ = 24_000
_ENOUGH_SILENCE_MS = 2500
_FIRST_TOKEN_S, _TOKENS_PER_S = 0.2, 20


@dataclass(frozen=True)
class House:
    """What the measurements share."""

    report: Report
    client: httpx.AsyncClient
    runs: int
    paced_runs: int
    peers: Path | None


async def main() -> None:
    arguments = parsed()
    report = Report(f"doors, ASR {arguments.model}, TTS {arguments.engine}", facts_of(arguments))
    async with caller() as client:
        peers = None if arguments.no_peers else arguments.peers
        house = House(report, client, arguments.runs, arguments.paced, peers)
        if "asr" in arguments.parts:
            await hearing(house, await whisper(arguments.model), arguments.threads)
        if "tts" in arguments.parts:
            await speaking(house, await arguments_of(arguments.engine, arguments.threads))
        if "talk" in arguments.parts:
            await talking(house, arguments)
    report.publish(arguments.json)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.doors", description=__doc__)
    parts = ("asr", "tts", "talk")
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--model", default="command", help="as in bench.asr")
    parser.add_argument("--engine", choices=(KOKORO, ESPEAK), default=ESPEAK)
    parser.add_argument("--runs", type=int, default=12, help="requests at each door")
    parser.add_argument("--paced", type=int, default=4, help="those at the pace of speech")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", type=Path, default=PEERS, help="what bench/peers.sh built")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--json", type=Path, help="also write all values here")
    return parser.parse_args()


def facts_of(arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "runs": f"{arguments.runs} at each door, {arguments.paced} where speech has its pace; in turns; "
        "half as many with the long text",
        "times": "burst: request to text; paced: last sample to text; of a text: request to first "
        "audible sample; response gap: last sound to first audible sample",
        "effort": f"{arguments.threads} threads",
        "language model": f"first token after {1000 * _FIRST_TOKEN_S:g} ms, then {_TOKENS_PER_S} a "
        "second",
    }


async def hearing(house: House, model: Path, threads: int) -> None:
    """All ways to have a recording transcribed."""
    effort = ("--device", "cpu", "--cpu-threads", str(threads), "--beam-size", "1")
    flags = ("--model", str(model), "--language", "en", *effort)
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(ours("asr", *flags, *_HTTP))
        at_once = _asr_doors(house.client, server)
        if house.peers is not None:
            peer = await stack.enter_async_context(http_peer("asr", server.uri, house.peers))
            at_once.append(_asr_peer(house.client, server, peer))
        said = recordings()
        await warm_up(at_once, said[0])
        await compare(house.report, "burst", at_once, said, house.runs)
        paced: list[Door[Recording]] = [
            Door(WYOMING, partial(_over_wyoming, server.uri, at_once=False), server.cpu_s),
            Door(
                "WS /ws/transcribe",
                partial(heard_by_socket, server.http, at_once=False),
                server.cpu_s,
            ),
        ]
        await compare(house.report, "paced", paced, said, house.paced_runs)


def _asr_doors(client: httpx.AsyncClient, server: Measured) -> list[Door[Recording]]:
    base, cpu_s = f"http://{server.http}", server.cpu_s

    async def transcribe(said: Recording) -> Reply:
        url = f"{base}/transcribe?language=en"
        return await _uploaded(client, url, said)

    async def openai(said: Recording) -> Reply:
        url, fields = f"{base}/v1/audio/transcriptions", {"model": "whisper-1", "language": "en"}
        return await text_of(client, url, files={"file": ("said.wav", wav(said))}, data=fields)

    return [
        Door(WYOMING, partial(_over_wyoming, server.uri, at_once=True), cpu_s),
        Door("POST /transcribe", transcribe, cpu_s),
        Door("POST /v1/audio/transcriptions", openai, cpu_s),
        Door("WS /ws/transcribe", partial(heard_by_socket, server.http, at_once=True), cpu_s),
    ]


def _asr_peer(client: httpx.AsyncClient, server: Measured, peer: Measured) -> Door[Recording]:
    url = f"http://{peer.http}/api/speech-to-text?language=en"
    return Door(PEER, partial(_uploaded, client, url), _both(server, peer))


def _both(server: Measured, peer: Measured) -> Cpu:
    """A bridge's work is that of two processes."""
    return lambda: server.cpu_s() + peer.cpu_s()


async def _uploaded(client: httpx.AsyncClient, url: str, said: Recording) -> Reply:
    return await text_of(client, url, content=wav(said), headers={"Content-Type": "audio/wav"})


async def _over_wyoming(uri: str, said: Recording, *, at_once: bool) -> Reply:
    begin_s = time.monotonic()
    heard = await transcribed(uri, said.chunks(), at_once=at_once, language="en")
    return Reply(time.monotonic() - begin_s if at_once else heard.after_stop_s, heard.text)


async def speaking(house: House, flags: Sequence[str]) -> None:
    """All ways to have a text spoken."""
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(ours("tts", *flags, *NO_CACHE, *_HTTP))
        doors = _tts_doors(house.client, server)
        if house.peers is not None:
            peer = await stack.enter_async_context(http_peer("tts", server.uri, house.peers))
            doors.append(_tts_peer(house.client, server, peer))
        await warm_up(doors, TEXTS[SENTENCE])
        await compare(house.report, SENTENCE, doors, [TEXTS[SENTENCE]], house.runs)
        await compare(house.report, LONGEST, doors, [TEXTS[LONGEST]], (house.runs + 1) // 2)


def _tts_doors(client: httpx.AsyncClient, server: Measured) -> list[Door[str]]:
    base = f"http://{server.http}"

    async def wyoming(text: str) -> Reply:
        begin_s = time.monotonic()
        playback = await spoken(server.uri, text)
        assert playback.first_audible_s is not None  # `spoken` raises where nothing is
        return Reply(playback.begin_s - begin_s + playback.first_audible_s)

    async def synthesize(text: str) -> Reply:
        return await spoken_by_post(client, f"{base}/synthesize", Wav, json={"text": text})

    def openai(kind: str) -> Callable[[str], Awaitable[Reply]]:
        unpacking = Mp3 if kind == "mp3" else partial(Samples, _OPENAI_RATE_HZ)
        url, wish = f"{base}/v1/audio/speech", {"model": "tts-1", "voice": "alloy"}

        async def speech(text: str) -> Reply:
            body = {**wish, "input": text, "response_format": kind}
            return await spoken_by_post(client, url, unpacking, json=body)

        return speech

    ways: Mapping[str, Callable[[str], Awaitable[Reply]]] = {
        WYOMING: wyoming,
        "POST /synthesize, wav": synthesize,
        "POST /v1/audio/speech, pcm": openai("pcm"),
        "POST /v1/audio/speech, mp3": openai("mp3"),
        "WS /ws/tts": partial(spoken_by_socket, server.http),
    }
    return [Door(name, ask, server.cpu_s) for name, ask in ways.items()]


def _tts_peer(client: httpx.AsyncClient, server: Measured, peer: Measured) -> Door[str]:
    async def speech(text: str) -> Reply:
        url = f"http://{peer.http}/api/text-to-speech"
        return await spoken_by_post(client, url, Wav, content=text.encode())

    return Door(PEER, speech, _both(server, peer))


async def talking(house: House, arguments: argparse.Namespace) -> None:
    """A spoken question over the gateway, and the same turn without one."""
    more = {"contenders": [], "silence_ms": 800, "endpoint": "dynamic"}
    asked = argparse.Namespace(**{**vars(arguments), **more})
    script = Script(turn.ANSWER, _FIRST_TOKEN_S, _TOKENS_PER_S)
    async with turn.staged(Report(""), asked, script) as stage:
        servers = stage.servers[OURS]

        async def ask(question: Recording) -> Reply:
            return Reply((await turn.our_turn(stage, servers, question))[turn.GAP])

        async with gateway(asr=servers.asr, handle=servers.handle, tts=servers.tts) as door:
            doors = [Door(ASK, ask), Door("WS /ws/talk", partial(talked, door.http))]
            questions = recordings(_ENOUGH_SILENCE_MS)
            await warm_up(doors, questions[0])
            await compare(house.report, "response gap", doors, questions, house.paced_runs)


if __name__ == "__main__":
    run(main())
