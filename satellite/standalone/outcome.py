"""PURE: what an error makes of a turn, and what the log calls the end of one.

Rule: a stage that nobody could be reached for has a sentence of its own; whatever else fails has failed.
"""

from satellite.events import Event, ReplyEnded, Trouble, TurnFailed
from satellite.standalone.lines import NobodyLeft
from wyoming_voice.errors import VoiceError

_TROUBLES = {"asr": Trouble.NO_ASR, "handle": Trouble.NO_HANDLE, "tts": Trouble.NO_TTS}


def failure(epoch: int, error: VoiceError) -> TurnFailed:
    """How a turn ends that an error has ended."""
    trouble = Trouble.FAILED
    if isinstance(error, NobodyLeft) and not error.reached:
        trouble = _TROUBLES[error.kind]
    return TurnFailed(epoch, trouble, str(error))


def outcome_name(outcome: Event) -> str:
    """The word for the last event of a turn that was not cancelled."""
    match outcome:
        case ReplyEnded():
            return "ok"
        case TurnFailed(trouble=trouble):
            return trouble
        case _:
            return "nothing-understood"
