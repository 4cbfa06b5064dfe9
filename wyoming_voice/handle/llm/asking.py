"""The body of a request to a chat completion endpoint.

The fields are those of OpenAI's API (https://platform.openai.com/docs/api-reference/chat/create). Rule:
nothing is sent that isn't asked for, since servers differ in what they take; the tools stay when none may be
called, since they stand in the prompt, whose cache they would cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_voice.handle.steps import Message
from wyoming_voice.handle.tools.toolbox import Tool

AUTO = "auto"
"""The model may call tools."""

NONE = "none"
"""It may not."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a model is to go on from; `max_tokens` 0: as many as the server lets it write."""

    messages: Sequence[Message]
    tools: Sequence[Tool] = ()
    tool_choice: str = AUTO
    max_tokens: int = 0

    def body(self, model: str, temperature: float | None) -> dict[str, Any]:
        """As it is sent."""
        body: dict[str, Any] = {"model": model, "messages": list(self.messages), "stream": True}
        if self.tools:
            body["tools"] = [_as_sent(tool) for tool in self.tools]
        if self.tools and self.tool_choice != AUTO:
            body["tool_choice"] = self.tool_choice
        if temperature is not None:
            body["temperature"] = temperature
        if self.max_tokens:
            body["max_tokens"] = self.max_tokens
        return body


def _as_sent(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}
