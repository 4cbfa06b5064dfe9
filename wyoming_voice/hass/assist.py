"""Home Assistant's own understanding of commands: its matcher, and what it does and says.

Rule: `understands` changes nothing; `process` acts, is sent once, and says whether nothing was done.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from wyoming_voice.hass.connection import Hass
from wyoming_voice.hass.errors import HassError

_log = logging.getLogger(__name__)

AGENT = "conversation.home_assistant"
UNDERSTANDS_S = 0.2
PROCESS_S = 10.0

_UNTOUCHED = {"no_intent_match", "no_valid_targets"}
"""Error codes of an answer before whose sentence nothing was carried out (helpers/intent.py)."""


@dataclass(frozen=True, slots=True)
class Said:
    """What Home Assistant answers: its words, and whether it did what was asked.

    `error` is Home Assistant's code: "no_intent_match", "no_valid_targets", "failed_to_handle", "unknown".
    """

    text: str
    done: bool
    error: str = ""

    @property
    def untouched(self) -> bool:
        """It is certain that nothing was done: it was not understood, or there was nothing to do it to."""
        return not self.done and self.error in _UNTOUCHED


class Assist:
    """The conversation agent `conversation.home_assistant` behind `hass`."""

    def __init__(self, hass: Hass) -> None:
        self._hass = hass

    async def understands(
        self, text: str, language: str, device_id: str, *, timeout_s: float = UNDERSTANDS_S
    ) -> bool:
        """Whether it would act on `text`; False too where it can't say in time. Never raises, does nothing.

        `language` "en", "de-DE" or "" (Home Assistant's own); `device_id` "" where there is none.
        """
        fields = _fields(language, device_id)
        try:
            result = await self._hass.call(
                "conversation/agent/homeassistant/debug",
                timeout_s=timeout_s,
                sentences=[text],
                **fields,
            )
        except HassError as error:
            _log.debug("Home Assistant wasn't asked whether it understands: %s", error)
            return False
        match result:
            case {"results": [{"match": True}, *_]}:
                return True
        return False

    async def process(
        self,
        text: str,
        language: str,
        device_id: str,
        satellite_id: str,
        *,
        timeout_s: float = PROCESS_S,
    ) -> Said:
        """Act on `text`, once; raises HassError, whose `untouched` says whether nothing was done."""
        fields = _fields(language, device_id)
        if satellite_id:
            fields["satellite_id"] = satellite_id
        result = await self._hass.call(
            "conversation/process", timeout_s=timeout_s, text=text, agent_id=AGENT, **fields
        )
        return _said(result)


def _fields(language: str, device_id: str) -> dict[str, object]:
    fields = {"language": language, "device_id": device_id}
    return {name: value for name, value in fields.items() if value}


def _said(result: object) -> Said:
    """Of an answer that can't be read it isn't known what was done: no error code that says "nothing"."""
    match result:
        case {"response": {"response_type": str(type), **response}}:
            return Said(_speech(response), done=type != "error", error=_code(type, response))
    return Said("", done=False, error="unknown")


def _speech(response: Mapping[object, object]) -> str:
    match response:
        case {"speech": {"plain": {"speech": str(text)}}}:
            return " ".join(text.split())
    return ""


def _code(type: str, response: Mapping[object, object]) -> str:
    match response:
        case {"data": {"code": str(code)}} if type == "error":
            return code
    return "unknown" if type == "error" else ""
