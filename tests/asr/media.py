"""Media files as bytes: a WAV of some audio, and two that don't say how long they are."""

import io
import struct
import wave

import av

from wyoming_voice.asr.engine import RATE_HZ, Audio
from wyoming_voice.audio import to_pcm16


def wav(audio: Audio) -> io.BytesIO:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(RATE_HZ)
        writer.writeframes(to_pcm16(audio))
    file.seek(0)
    return file


def streamed_wav(audio: Audio) -> io.BytesIO:
    """As it is sent while it is still being made."""
    data = bytearray(wav(audio).getvalue())
    data[4:8] = data[40:44] = struct.pack("<I", 0xFFFFFFFF)
    return io.BytesIO(bytes(data))


def adts(audio: Audio) -> io.BytesIO:
    """AAC as it is broadcast: nothing in it says how long it is."""
    file = io.BytesIO()
    with av.open(file, "w", format="adts") as container:
        voice = container.add_stream("aac", rate=RATE_HZ)
        voice.layout = "mono"
        frame = av.AudioFrame.from_ndarray(audio[None], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(voice.encode(frame))
        container.mux(voice.encode(None))
    file.seek(0)
    return file
