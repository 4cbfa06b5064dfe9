"""The client's side of one turn: speech to text, text to answer, answer to speech, each as a stream.

Every function works on an open connection, so that a caller can open it before it is needed. Rules: what
a server says in an `error` event is a Refused, and a server that leaves early a HungUp; both are
UpstreamErrors. What is beyond the protocol (`wyoming_voice.extensions`) is said to those who list it.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, HandledChunk, NotHandled
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from wyoming_voice.core.pcm import SPEECH, AudioFormat
from wyoming_voice.errands import Do, Errands
from wyoming_voice.errors import UpstreamError
from wyoming_voice.extensions import (
    ACTING,
    ANSWER_WRITTEN,
    COMMIT,
    ENDPOINTING,
    MARKS,
    OWN_ENDPOINT,
    SPECULATIVE,
    SPECULATIVE_TRANSCRIPT,
    SPOKEN_CHARS,
    SPOKEN_MARKS,
    TOOL_CALL,
    WARM_UP,
)
from wyoming_voice.wire import PeerGone

MAX_RATE_HZ = 384_000
"""No server speaks faster than the fastest sound card plays."""


class Refused(UpstreamError):
    """A server's `error` event; `reason` is its code, "" when it has none."""

    def __init__(self, kind: str, event: Event) -> None:
        super().__init__(f"the {kind} server says: {_text(event)}")
        code = event.data.get("code")
        self.reason = code if isinstance(code, str) else ""


class HungUp(UpstreamError):
    """A server that left before it had answered, or did something as good as that."""

    def __init__(
        self, kind: str, what: str = "hung up before it had answered; see its log"
    ) -> None:
        super().__init__(f"the {kind} server {what}")


class Channel(Protocol):
    """An open stream of events to a server and back, such as a `wire.Connection`."""

    async def write(self, event: Event) -> None:
        """Send one event; raises PeerGone and TooSlow."""

    def __aiter__(self) -> AsyncIterator[Event]:
        """What comes, until the server has gone."""


@dataclass(frozen=True)
class Sound:
    """A piece of speech as it came: PCM of one format.

    With it `said_chars` of the text have been said, where a server tells (SPOKEN_MARKS).
    """

    pcm: bytes
    format: AudioFormat
    said_chars: int = 0

    @property
    def ms(self) -> float:
        """How long it lasts."""
        return self.format.ms(len(self.pcm))


async def say_utterance(
    connection: Channel,
    chunks: AsyncIterable[bytes],
    turn_id: str,
    language: str | None = None,
    extensions: AbstractSet[str] = frozenset(),
) -> None:
    """Send a whole utterance to an ASR server: 16 kHz, 16 bit, mono. Read `transcript` meanwhile.

    A server that lists these `extensions` is asked for what it supposes on the way, and to leave the end
    to who sends. Raises PeerGone and TooSlow; why a server has gone is in what `transcript` raises.
    """
    rate, width, channels = SPEECH.rate_hz, SPEECH.width_bytes, SPEECH.channels
    context: dict[str, object] = {"turn_id": turn_id}
    if SPECULATIVE_TRANSCRIPT in extensions:
        context[SPECULATIVE] = True
    if OWN_ENDPOINT in extensions:
        context[ENDPOINTING] = False
    await connection.write(Transcribe(language=language, context=context).event())
    await connection.write(AudioStart(rate, width, channels).event())
    async for pcm in chunks:
        await connection.write(AudioChunk(rate, width, channels, pcm).event())
    await connection.write(AudioStop().event())


@dataclass(frozen=True)
class Supposed:
    """What will have been said if the speaker has finished; each takes the place of the one before.

    `language` is its code, `""` where it isn't known. It is said of the first `audio_ms` of the utterance,
    which end in a pause; None where a server doesn't tell.
    """

    text: str
    language: str = ""
    audio_ms: int | None = None


def _to_nobody(_: Supposed) -> None:
    """Where nobody wants to know what may have been said."""


async def transcript(
    connection: Channel,
    supposed: Callable[[Supposed], None] = _to_nobody,
    understood: Callable[[str], None] = lambda _: None,
    spoken_in: Callable[[str], None] = lambda _: None,
) -> str:
    """What an ASR server has understood, `""` for nothing; it may come before the utterance has ended.

    `supposed` is told what that will be if the speaker has finished, each time that this changes;
    `understood` the beginning that is certain already, of a server that sends it (`--partials`);
    `spoken_in` the language of what was said, "" where it isn't known.
    """
    begun = ""
    async for event in _replies(connection, "asr"):
        if TranscriptStart.is_type(event.type):
            begun = ""
        if TranscriptChunk.is_type(event.type):
            begun += _text(event)
            understood(begun)
        if event.type == SPECULATIVE_TRANSCRIPT:
            audio_ms = event.data.get("audio_ms")
            heard_ms = audio_ms if isinstance(audio_ms, int) else None
            supposed(Supposed(_text(event), _text(event, "language"), heard_ms))
        if Transcript.is_type(event.type):
            spoken_in(_text(event, "language"))
            return _text(event)
    raise HungUp("asr")


async def answer(
    connection: Channel,
    text: str,
    context: Mapping[str, object],
    language: str | None = None,
    told: Callable[[str], None] = lambda _: None,
    do: Do | None = None,
) -> AsyncGenerator[str, None]:
    """The answer to `text` as it is written; a refusal is a sentence to be spoken like any other.

    `""` is a sign of life. `context` goes along: `turn_id`, `conversation_id`, and what the handle
    server takes beside them. With `speculative` in it (`speculative` makes one) the answer doesn't end
    before `commit` was sent. `told` hears ANSWER_WRITTEN when all of it has come, where the server says so
    before, and ACTING when it is about to do something, where `context` asks for that (ACTS).
    `do` does what `context` offers in `tools`, once for each call.
    """
    with contextlib.suppress(PeerGone):  # why it has gone is in what it wrote
        asked = Transcript(text=text, language=language, context=dict(context))
        await connection.write(asked.event())
    begun, errands = False, Errands(do)
    async for event in _replies(connection, "handle"):
        if Handled.is_type(event.type) or NotHandled.is_type(event.type):
            if not begun:
                yield _text(event)
            return
        # Before any text it can't be true that this was all.
        if event.type == ACTING or (event.type == ANSWER_WRITTEN and begun):
            told(event.type)
        if event.type == TOOL_CALL and (result := errands.carried_out(event)) is not None:
            with contextlib.suppress(PeerGone):
                await connection.write(result)
        delta = _text(event) if HandledChunk.is_type(event.type) else ""
        begun = begun or bool(delta)
        yield delta
    raise HungUp("handle")


def speculative(context: Mapping[str, object]) -> dict[str, object]:
    """The context of a question that may turn out not to have been asked; hanging up takes it back."""
    return {**context, SPECULATIVE: True}


async def commit(connection: Channel) -> None:
    """The speculative question on this connection has been asked; raises PeerGone and TooSlow."""
    await connection.write(Event(COMMIT))


async def warm_up(
    connection: Channel, context: Mapping[str, object], language: str | None = None
) -> None:
    """A question with this context is likely soon; nothing comes back. Raises PeerGone and TooSlow."""
    spoken = {"language": language} if language else {}
    await connection.write(Event(WARM_UP, {"context": dict(context), **spoken}))


class Speech:
    """Text on its way to a TTS server, and its speech on the way back; both flow at once.

    A server that lists these `extensions` is asked to tell how far the text has been said. Where no `voice`
    is named it chooses one of the `language`, and may refuse where it has none.
    """

    def __init__(
        self,
        connection: Channel,
        turn_id: str,
        voice: str | None = None,
        extensions: AbstractSet[str] = frozenset(),
        language: str | None = None,
    ) -> None:
        self._connection = connection
        self._context = {
            "turn_id": turn_id,
            **({MARKS: True} if SPOKEN_MARKS in extensions else {}),
        }
        wished = SynthesizeVoice(voice) if voice else SynthesizeVoice(language=language)
        self._voice = wished if voice or language else None

    async def begin(self) -> None:
        """Announce text in pieces; the server must know them (`supports_synthesize_streaming`)."""
        await self._connection.write(
            SynthesizeStart(voice=self._voice, context=self._context).event()
        )

    async def add(self, text: str) -> None:
        """Send a piece of it, which may end inside a word."""
        await self._connection.write(SynthesizeChunk(text=text).event())

    async def end(self) -> None:
        """The text is complete."""
        await self._connection.write(SynthesizeStop().event())

    async def whole(self, text: str) -> None:
        """Send a text that is complete, to any server; its speech ends with AudioStop."""
        await self._connection.write(
            Synthesize(text=text, voice=self._voice, context=self._context).event()
        )

    def sounds(self) -> AsyncGenerator[Sound, None]:
        """The speech of text that came in pieces, as it is made."""
        return self._until(SynthesizeStopped.is_type)

    def whole_sounds(self) -> AsyncGenerator[Sound, None]:
        """The speech of a text that was complete, as it is made."""
        return self._until(AudioStop.is_type)

    async def _until(self, ends: Callable[[str], bool]) -> AsyncGenerator[Sound, None]:
        async for event in _replies(self._connection, "tts"):
            if AudioChunk.is_type(event.type):
                yield _sound(event)
            elif ends(event.type):
                return
        raise HungUp("tts")


def _sound(event: Event) -> Sound:
    numbers = [event.data.get(name) for name in ("rate", "width", "channels")]
    match numbers:
        case [int(rate), int(width), int(channels)] if (
            0 < rate <= MAX_RATE_HZ and 1 <= width <= 4 and 1 <= channels <= 8
        ):
            said = event.data.get(SPOKEN_CHARS)
            said_chars = said if isinstance(said, int) else 0
            return Sound(event.payload or b"", AudioFormat(rate, width, channels), said_chars)
    raise UpstreamError(f"the tts server sent audio of no known format: {numbers}")


async def _replies(connection: Channel, kind: str) -> AsyncIterator[Event]:
    async for event in connection:
        if Error.is_type(event.type):
            raise Refused(kind, event)
        yield event


def _text(event: Event, field: str = "text") -> str:
    text = event.data.get(field)
    return text if isinstance(text, str) else ""
