"""What the doctor hears: asks for silence, for speech, and plays a few sentences, line by line.

Rule: what fails ends only what needs it; without a microphone the loudspeaker is examined still.
"""

from collections.abc import AsyncGenerator, Callable

from satellite.devices.portaudio import NO_PORTAUDIO
from satellite.doctor.findings import (
    Line,
    bad,
    echo_line,
    level_line,
    noise_line,
    ok,
    skipped,
    speech_line,
    wake_line,
)
from satellite.doctor.measure import Level, echo, hum_hz, level, spoken
from satellite.doctor.trial import Patient, Trial
from satellite.events import Trouble
from satellite.hearing.level import amplified
from satellite.parts import DeviceError
from satellite.speaking.tones import read_sentences
from wyoming_voice.client import Sound

_TEST_SENTENCES = (Trouble.TIMEOUT, Trouble.FAILED, Trouble.NO_HANDLE)
"""Speech, since the echo canceller learns little from tones: -36 to -60 dB after speech, -13 to -24 dB
after tones and sweeps (measured in a simulated room)."""

Prompt = Callable[[str], None]
"""Tells a person what to do; does nothing where nobody is."""


async def examine_sound(patient: Patient, prompt: Prompt) -> AsyncGenerator[Line, None]:
    """The lines about microphone, wake words, loudspeaker and echo, each as soon as it is known."""
    async with Trial.begun(patient) as trial:
        try:
            opened_s = await trial.open()
        except DeviceError as error:
            yield _refused("microphone", error, "--mic")
            yield skipped("level", "there is no microphone")
            async for line in _examine_loudspeaker(trial, patient, prompt, None):
                yield line
            return
        try:
            noise: Level | None = None
            async for line, measured in _examine_ears(trial, patient, prompt, opened_s):
                noise = measured
                yield line
        except DeviceError as error:
            yield _refused("microphone", error, "--mic")
            noise = None
        async for line in _examine_loudspeaker(trial, patient, prompt, noise):
            yield line


async def _examine_ears(
    trial: Trial, patient: Patient, prompt: Prompt, opened_s: float
) -> AsyncGenerator[tuple[Line, Level], None]:
    times, gain_db, asked = patient.times, patient.gain_db, patient.asked
    prompt(f"Quiet, please, for {times.settle_s + times.quiet_s:.0f} seconds …")
    await trial.hear(times.settle_s)  # a microphone pops when it is switched on
    quiet = amplified((await trial.hear(times.quiet_s)).raw, gain_db)
    noise = level(quiet)
    # The sound server's own name for it is known by now.
    yield ok("microphone", f"{patient.source.name}, sound after {opened_s * 1000:.0f} ms"), noise
    yield noise_line(noise, hum_hz(quiet)), noise
    example = f"{patient.phrases[0]}, what time is it?" if patient.phrases else "what time is it?"
    prompt(f"Say something for {times.speak_s:.0f} seconds, such as: {example}")
    heard = await trial.hear(times.speak_s)
    speech = spoken(heard.frames, patient.threshold)
    loudness = level(amplified(heard.raw, gain_db))
    yield level_line(noise, loudness, speech, gain_db, asked), noise
    yield speech_line(speech, asked), noise
    if patient.wake is not None:
        words = [frame.word.phrase for frame in heard.frames if frame.word is not None]
        yield wake_line(patient.phrases, words, asked), noise


async def _examine_loudspeaker(
    trial: Trial, patient: Patient, prompt: Prompt, noise: Level | None
) -> AsyncGenerator[Line, None]:
    if patient.silent:
        yield skipped("loudspeaker", patient.silent)
        yield skipped("echo", patient.silent)
        return
    prompt("Quiet again, please: a few test sentences are played; what they say is of no account …")
    try:
        heard = await trial.play(_test_sound())
    except DeviceError as error:
        yield _refused("loudspeaker", error, "--snd")
        yield skipped("echo", "there is no loudspeaker")
        return
    yield ok("loudspeaker", f"{patient.sink.name}, heard after {patient.sink.latency_ms:.0f} ms")
    if noise is None:
        yield skipped("echo", "there is no microphone")
        return
    near = amplified(heard.raw, patient.gain_db)
    found = echo(heard.played, near, heard.cleaned, noise.rms_dbfs)
    if found is None:
        yield skipped("echo", "nothing was played while the microphone listened")
    else:
        yield echo_line(found, patient.cleaner.name, cancels=patient.cleaner.echo_free)


def _test_sound() -> Sound:
    sentences = read_sentences()
    pcm = b"".join(sentences[trouble].pcm for trouble in _TEST_SENTENCES)
    return Sound(pcm, sentences[_TEST_SENTENCES[0]].format)


def _refused(part: str, error: DeviceError, flag: str) -> Line:
    if str(error) == NO_PORTAUDIO:  # the line on packages says what to do
        return skipped(part, "there is no PortAudio")
    found, _, remedy = str(error).partition("; ")
    choose = f"choose another with {flag} (`wyoming-voice satellite devices` lists them)"
    return bad(part, found, remedy or choose)
