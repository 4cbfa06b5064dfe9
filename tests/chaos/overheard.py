"""What the client of one connection has been sent of speech, heard on the way: which tunes have passed.

Rule: a tune has passed when the whole event of its last sound has, with what stands in it beside the sound:
whoever sent it may die from then on, and its client gets that event first. Sound comes in chunks of one
size, and the last of a tune's is shorter (which a tune of 704 ms behind a pause of 320 ms makes it).
"""

import json

import numpy as np

from tests.chaos.codes import numbers_heard

RATE_HZ = 16_000


class Overheard:
    """Bytes of Wyoming in; the numbers in all of the speech so far come out."""

    def __init__(self) -> None:
        self._uncut = bytearray()
        self._pcm = bytearray()
        self._longest = 0

    def push(self, data: bytes) -> set[int]:
        """More that has been sent; the numbers whose tunes are complete."""
        self._uncut += data
        last = False
        while (event := self._cut()) is not None:
            kind, payload = event
            if kind == "audio-chunk":
                self._pcm += payload
                last = len(payload) < self._longest
                self._longest = max(self._longest, len(payload))
        if not last:
            return set()
        samples = np.frombuffer(bytes(self._pcm), "<i2").astype(np.float32) / np.float32(32_768)
        return set(numbers_heard(samples, RATE_HZ))

    def _cut(self) -> tuple[str, bytes] | None:
        """The first event, once all of it is there: its type and payload."""
        line, end, _ = self._uncut.partition(b"\n")
        if not end:
            return None
        header = json.loads(line)
        begin = len(line) + 1 + (header.get("data_length") or 0)
        length = begin + (header.get("payload_length") or 0)
        if len(self._uncut) < length:
            return None
        payload = bytes(self._uncut[begin:length])
        del self._uncut[:length]
        return header["type"], payload
