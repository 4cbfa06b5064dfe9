"""Text that can be shown while somebody still speaks: decodes what there is, says what is stable.

Rule: a partial never costs anybody else's time. None is made while a request waits for the engine, none
in a pause (the utterance may end there, and its last decode should find the engine free), and the audio
grows by at least as much as the last one took.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from wyoming_voice.asr.engine import Audio, DecodeOptions, Engine
from wyoming_voice.asr.recognition import Gate, decoded, spoken_pieces
from wyoming_voice.asr.recording import Recording, joined
from wyoming_voice.core.stability import Stability
from wyoming_voice.errors import DeadlineExceeded
from wyoming_voice.worker import Priority, Worker

_STEP_MS = 700.0
_PAUSE_FRAMES = 6


class Partials:
    """The stable text of one utterance, as it grows."""

    def __init__(self, engine: Engine, worker: Worker, gate: Gate, deadline_s: float) -> None:
        self.stability = Stability()
        self._engine = engine
        self._worker = worker
        self._gate = gate
        self._deadline_s = deadline_s
        self._settled: dict[tuple[float, int], str] = {}
        self._next_ms = _STEP_MS

    def due(self, recording: Recording) -> bool:
        """Whether a decode is worth it at this moment."""
        threshold = self._gate.threshold or 0.0
        return (
            recording.heard_ms >= self._next_ms
            and recording.up_to_date
            and not self._worker.requests
            and max(recording.probabilities[-_PAUSE_FRAMES:], default=1.0) >= threshold
        )

    async def advance(self, recording: Recording, options: DecodeOptions) -> str:
        """Decode what there is; the text that became stable by it, `""` when none did."""
        loop = asyncio.get_running_loop()
        start_s, heard_ms = loop.time(), recording.heard_ms
        # The loop goes on appending: the thread gets views of its own, and the scores as they are.
        heard, probabilities = recording.pieces, list(recording.probabilities)
        texts = self._worker.stream(
            lambda: self._texts(heard, probabilities, options),
            deadline_s=self._deadline_s,
            priority=Priority.PARTIAL,
        )
        found: list[str] = []
        # Without a turn at the engine in time there is no partial; the transcript has time of its own.
        with contextlib.suppress(DeadlineExceeded):
            async with contextlib.aclosing(texts):
                found = [text async for text in texts if text is not None]
        spent_ms = 1000 * (loop.time() - start_s)
        self._next_ms = heard_ms + max(_STEP_MS, spent_ms)
        return self.stability.push("".join(found)) if found else ""

    def _texts(
        self, heard: Sequence[Audio], probabilities: list[float], options: DecodeOptions
    ) -> Iterator[str | None]:
        """In a thread: the text of each piece; what lies before the last piece won't change any more."""
        pieces = spoken_pieces(joined(heard), probabilities, self._engine, self._gate)
        for number, piece in enumerate(pieces, 1):
            key = (piece.start_s, len(piece.audio))
            text = self._settled.get(key)
            if text is None:
                text = ""
                for segment in decoded(self._engine, piece, options):
                    text += segment.text if segment is not None else ""
                    yield None
            if number < len(pieces):
                self._settled[key] = text
            yield text
