"""What a handle server asks its client to do, and what came of it (`extensions.CLIENT_TOOLS`).

Rule: of one answer no call is done twice, and nothing that a server sends ends its client.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wyoming.event import Event

from wyoming_voice.extensions import TOOL_RESULT


@dataclass(frozen=True)
class Done:
    """What came of a call: a text for a language model, or why nothing was done (`error`)."""

    text: str
    error: bool = False


Do = Callable[[str, Mapping[str, object]], Done]
"""Does what a server asks of its client: the name of a tool, and arguments of which nothing is certain."""


class Errands:
    """The calls of one answer, by their ids: none is done twice."""

    def __init__(self, do: Do | None) -> None:
        self._do = do
        self._done: dict[str, Done] = {}

    def carried_out(self, event: Event) -> Event | None:
        """What to tell the server; None where nothing was offered."""
        call_id, name = event.data.get("id"), event.data.get("name")
        arguments = event.data.get("arguments")
        if self._do is None or not isinstance(call_id, str) or not call_id:
            return None
        if call_id not in self._done:
            self._done[call_id] = (
                self._do(name if isinstance(name, str) else "", arguments)
                if isinstance(arguments, dict)
                else Done("'arguments' of a tool-call must be an object", error=True)
            )
        done = self._done[call_id]
        return Event(TOOL_RESULT, {"id": call_id, "text": done.text, "error": done.error})
