"""What the session with Home Assistant has to say: events to send, and what the shell is to do.

Rule: no run asks for the stage `intent`, at which Home Assistant hangs up.
"""

from dataclasses import dataclass

from wyoming.event import Event as WireEvent
from wyoming.pipeline import PipelineStage, RunPipeline

from satellite.events import Event

RUN = RunPipeline(PipelineStage.ASR, PipelineStage.TTS, restart_on_end=False).event()

CANCEL = RunPipeline(PipelineStage.TTS, PipelineStage.TTS, restart_on_end=False).event()
"""A run that can't be, for it has no text to speak: it cancels the one before and fails at once.

There is no event for that. A real run sent in its place would suffer: the end of the old run, which
comes after the start of the new one, has Home Assistant drop the new one's audio and `audio-stop`.
"""


@dataclass(frozen=True)
class Send:
    """Tell Home Assistant."""

    event: WireEvent


@dataclass(frozen=True)
class HangUp:
    """Give the link up."""

    reason: str


@dataclass(frozen=True)
class TimerNews:
    """One of Home Assistant's timers was started, changed, cancelled, or has finished."""

    event: WireEvent


Outcome = Send | HangUp | TimerNews | Event
