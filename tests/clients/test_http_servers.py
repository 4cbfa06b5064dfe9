"""The HTTP servers of `wyoming[http]`, each in front of one of ours, asked as curl would ask them.

The intent server is the one public client of a handle server.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.clients.programs import Clients, HttpServer
from tests.clients.spoken import COMMANDS, metered

pytestmark = [pytest.mark.clients, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asr(clients: Clients, servers: dict[str, str]) -> AsyncIterator[HttpServer]:
    async with clients.http_server("asr", servers["asr"]) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tts(clients: Clients, servers: dict[str, str]) -> AsyncIterator[HttpServer]:
    async with clients.http_server("tts", servers["tts"]) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def intent(clients: Clients, servers: dict[str, str]) -> AsyncIterator[HttpServer]:
    async with clients.http_server("intent", servers["handle"]) as server:
        yield server


async def test_speech_from_one_is_understood_by_the_other(tts: HttpServer, asr: HttpServer) -> None:
    for command in COMMANDS:
        spoken = await tts.post("/api/text-to-speech", command.encode(), "text/plain")
        assert spoken.status == 200
        assert metered(spoken.body).is_speech_of(command)
        heard = await asr.post("/api/speech-to-text", spoken.body, "audio/wav")
        assert heard.status == 200
        assert (heard.document["text"], heard.document["language"]) == (command, "en")


async def test_text_to_speech_takes_a_voice_and_a_get_request(tts: HttpServer) -> None:
    american = await tts.get("/api/text-to-speech", text="Good morning.")
    british = await tts.get("/api/text-to-speech", text="Good morning.", voice="en-gb")
    assert metered(british.body).is_speech_of("Good morning.")
    assert british.body != american.body


async def test_an_unknown_voice_is_an_error_and_not_a_hang(tts: HttpServer) -> None:
    refused = await tts.get("/api/text-to-speech", text="Good morning.", voice="nobody")
    assert refused.status == 500
    again = await tts.get("/api/text-to-speech", text="Good morning.")
    assert again.status == 200


async def test_speech_to_text_takes_a_model_a_language_and_names(
    tts: HttpServer, asr: HttpServer
) -> None:
    spoken = await tts.get("/api/text-to-speech", text=COMMANDS[0])
    heard = await asr.post(
        "/api/speech-to-text",
        spoken.body,
        "audio/wav",
        model="command_whisper",
        language="en",
        transcript_names="kitchen light, office lamp",
    )
    assert heard.document["text"] == COMMANDS[0]


async def test_an_unknown_model_is_an_error(asr: HttpServer, tts: HttpServer) -> None:
    spoken = await tts.get("/api/text-to-speech", text=COMMANDS[0])
    refused = await asr.post("/api/speech-to-text", spoken.body, "audio/wav", model="nothing")
    assert refused.status == 500


async def test_a_question_is_answered(intent: HttpServer) -> None:
    answered = await intent.post("/api/recognize-intent", b"What time is it?", "text/plain")
    assert answered.document["success"] is True
    assert answered.document["type"] == "handled"
    assert answered.document["result"]["text"].startswith("It is ")


async def test_what_needs_a_model_is_refused_in_words(intent: HttpServer) -> None:
    refused = await intent.get("/api/recognize-intent", text="Who wrote Faust?")
    assert refused.document["type"] == "not-handled"
    assert "no language model is configured" in refused.document["result"]["text"]


async def test_each_describes_the_server_behind_it(
    asr: HttpServer, tts: HttpServer, intent: HttpServer
) -> None:
    described = {
        "asr": (await asr.get("/api/info")).document,
        "tts": (await tts.get("/api/info")).document,
        "handle": (await intent.get("/api/info")).document,
    }
    for kind, info in described.items():
        assert [len(info[name]) for name in described] == [name == kind for name in described]
        assert info[kind][0]["installed"] is True
