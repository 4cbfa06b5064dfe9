"""The text of one request as it comes: the reader puts it in at once, the speaker takes it when it can.

Rule: the session bounds the text of a request, so nothing is bounded here; an error put in is raised to
whoever takes next, before text that still waits. SSML loses its tags as it is taken, a slice at a time.
"""

import asyncio
from collections import deque

from wyoming_voice.errors import VoiceError
from wyoming_voice.tts.ssml import SsmlStripper


class TextSource:
    """Text in, text out, across two tasks of one event loop."""

    def __init__(self, ssml: SsmlStripper | None = None) -> None:
        self._ssml = ssml
        self._texts: deque[str] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._error: VoiceError | None = None
        self.first_text_s: float | None = None

    def put(self, text: str) -> None:
        """Add text; what comes after `close` or `fail` is dropped."""
        if self._closed or not text:
            return
        if self.first_text_s is None:
            self.first_text_s = asyncio.get_running_loop().time()
        self._texts.append(text)
        self._changed.set()

    def ahead(self, most_chars: int) -> tuple[str, bool]:
        """What comes next, without taking it, and whether it is all that will come.

        Nothing of SSML, which would have to be taken to lose its tags.
        """
        if self._ssml is not None:
            return "", False
        texts, length = [], 0
        for text in self._texts:
            texts.append(text[: most_chars - length])
            length += len(text)
            if length > most_chars:
                return "".join(texts), False
        return "".join(texts), self._closed

    def close(self) -> None:
        """The text is complete."""
        self._closed = True
        self._changed.set()

    def fail(self, error: VoiceError) -> None:
        """End the text with an error."""
        self._error = error
        self.close()

    async def take(self, most_chars: int) -> str | None:
        """The words in the next `most_chars` characters; None at the end. Raises what `fail` was given."""
        while not (self._texts or self._closed):
            self._changed.clear()
            await self._changed.wait()
        if self._error is not None:
            raise self._error
        if not self._texts:
            return self._held_back()
        text = self._texts.popleft()
        if len(text) > most_chars:
            self._texts.appendleft(text[most_chars:])
        text = text[:most_chars]
        return self._ssml.push(text) if self._ssml else text

    def _held_back(self) -> str | None:
        return (self._ssml.finish() or None) if self._ssml else None
