"""One question over HTTP, and its answer: the stages of a satellite's turn, without a conversation around it.

Rule: nothing is sent before it is known that there is an answer; whoever leaves hangs up on everybody.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Generator, MutableMapping
from urllib.parse import quote

from starlette.datastructures import UploadFile

from satellite.standalone.answering import Answering
from satellite.standalone.conversation import Question
from satellite.standalone.errand import Errand, Wishes
from satellite.standalone.exchange import Exchange
from satellite.standalone.line import Line
from satellite.standalone.lines import Lines, NobodyLeft
from satellite.standalone.patience import Patience
from satellite.standalone.reports import Report
from satellite.standalone.tape import Tape
from wyoming_voice.audio import to_pcm16
from wyoming_voice.client import answer
from wyoming_voice.core.pcm import SPEECH
from wyoming_voice.core.timing import TurnRecord
from wyoming_voice.errors import TooLarge, UnknownChoice, UpstreamError
from wyoming_voice.gateway.mono import Mono
from wyoming_voice.gateway.questions import AskBody, Asked, SayBody
from wyoming_voice.gateway.recital import Recital
from wyoming_voice.gateway.services import Services, lacks
from wyoming_voice.gateway.settings import GatewaySettings
from wyoming_voice.http.errors import BadRequest
from wyoming_voice.media.decoding import Media
from wyoming_voice.media.encoding import Encoder
from wyoming_voice.media.wholeness import check_whole
from wyoming_voice.worker import Worker

_MOST_HEADER_BYTES = 3_000
"""A proxy gives up at 4 or 8 KB of headers; who wants all of a long answer asks for JSON."""

_PIECE_BYTES = SPEECH.size_bytes(100)


class Asker:
    """Has questions answered and texts spoken by the servers that there are."""

    def __init__(self, settings: GatewaySettings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._decoding = Worker("decoding", threads=1)

    def close(self) -> None:
        """Decode nothing any more."""
        self._decoding.close()

    async def written(self, asked: Asked, record: TurnRecord) -> tuple[str, str]:
        """What was asked, and the answer as text."""
        async with self._errand(asked.body, record) as errand:
            async with contextlib.aclosing(Exchange(errand, _to_nobody)) as exchange:
                text = await self._heard(asked, exchange)
            put = errand.spoken_in(exchange.language)
            reply = await errand.lines.attempt("handle", lambda line: _written(line, text, put))
            return text, reply

    async def spoken(
        self, asked: Asked, record: TurnRecord, headers: MutableMapping[str, str]
    ) -> AsyncGenerator[bytes, None]:
        """The answer as a file; what was asked and answered is in `headers` before the first bytes."""
        recital = Recital()
        async with self._errand(asked.body, record) as errand:
            exchange = Exchange(errand, recital.take, recital.room)
            async with contextlib.aclosing(exchange):
                text = await self._heard(asked, exchange)
                headers["X-Transcript"] = _header(text)
                async with recital.of(exchange.respond(text)):
                    headers["X-Answer"] = _header(await recital.written())
                    async with contextlib.aclosing(_encoded(recital, asked.body.format)) as pieces:
                        async for piece in pieces:
                            yield piece

    async def said(self, body: SayBody, record: TurnRecord) -> AsyncGenerator[bytes, None]:
        """A text as a file of speech."""
        recital = Recital()
        async with self._errand(body, record) as errand:
            answering = Answering(errand, recital.take, recital.room)
            answering.script.add(body.text)
            answering.script.finish()
            async with (
                recital.of(answering.speak()),
                contextlib.aclosing(_encoded(recital, body.format)) as pieces,
            ):
                async for piece in pieces:
                    yield piece

    @contextlib.asynccontextmanager
    async def _errand(self, body: AskBody | SayBody, record: TurnRecord) -> AsyncIterator[Errand]:
        settings = self._settings
        lines = Lines(self._services.roster)
        spoken = body.language if isinstance(body, AskBody) else ""
        name = body.conversation if isinstance(body, AskBody) else ""
        wishes = Wishes(
            voice=body.voice or settings.voice,
            language=spoken or settings.language,
            voice_matters=bool(body.voice),
        )
        question = Question(record.turn_id, {"conversation_id": name or record.turn_id})
        patience = Patience.within(settings.answer_s + settings.max_question_s)
        try:
            yield Errand(lines, record, question, wishes, patience)
        except NobodyLeft as error:
            self._check_voice(error, body.voice)
            if not self._services.roster.ranked(error.kind):
                raise UpstreamError(lacks(error.kind)) from error
            raise
        finally:
            await lines.close()

    async def _heard(self, asked: Asked, exchange: Exchange) -> str:
        """The question's words; raises BadAudio, BadRequest, TooLarge."""
        if asked.file is None:
            return asked.body.text.strip()
        utterance = Tape[bytes]()
        for piece in await self._decoded(asked.file):
            utterance.add(piece)
        utterance.finish()
        text = (await exchange.hear(utterance)).strip()
        if not text:
            raise BadRequest(
                "nothing was understood in the recording; speak up, or send text", "file"
            )
        return text

    async def _decoded(self, file: UploadFile) -> list[bytes]:
        pieces: list[bytes] = []
        limit_s = self._settings.max_question_s

        def blocks() -> Generator[bytes, None, None]:
            with Media(file.file) as media:
                for block in media.blocks():
                    if media.heard_s > limit_s:
                        raise TooLarge(
                            f"a recording of over {limit_s:g} s; send less (--max-question-s)"
                        ).about("file")
                    yield to_pcm16(block)
                check_whole(media.declared_s, media.heard_s)

        stream = self._decoding.stream(blocks, deadline_s=60.0)
        async with contextlib.aclosing(stream) as decoded:
            async for pcm in decoded:
                pieces += [pcm[at : at + _PIECE_BYTES] for at in range(0, len(pcm), _PIECE_BYTES)]
        return pieces

    def _check_voice(self, error: NobodyLeft, voice: str) -> None:
        """Whoever asked for a voice that nobody has is told so."""
        if error.kind == "tts" and voice and "unknown voice" in str(error):
            names = [row.name for row in self._services.voices()]
            raise UnknownChoice("voice", voice, names) from error


def _to_nobody(_: Report) -> None:
    """Where only the text counts."""


async def _written(line: Line, text: str, errand: Errand) -> str:
    context = errand.question.context(line.server.extensions)
    deltas = answer(line.connection, text, context, errand.wishes.language or None)
    async with contextlib.aclosing(deltas):
        return "".join([delta async for delta in deltas])


async def _encoded(recital: Recital, kind: str) -> AsyncGenerator[bytes, None]:
    """The speech of a recital as a file, never an empty piece."""
    mono: Mono | None = None
    encoder: Encoder | None = None
    async with contextlib.aclosing(recital.sounds()) as sounds:
        async for sound in sounds:
            if mono is None or encoder is None:
                mono = Mono(sound.format.rate_hz)
                encoder = Encoder(kind, sound.format.rate_hz)
            if piece := encoder.push(mono.push(sound)):
                yield piece
    if (
        mono is not None
        and encoder is not None
        and (last := encoder.push(mono.finish()) + encoder.finish())
    ):
        yield last


def _header(text: str) -> str:
    """A text as a header can hold it, cut to what proxies let pass."""
    encoded = quote(text)
    if len(encoded) <= _MOST_HEADER_BYTES:
        return encoded
    return quote(text.encode()[: _MOST_HEADER_BYTES // 3].decode(errors="ignore"))
