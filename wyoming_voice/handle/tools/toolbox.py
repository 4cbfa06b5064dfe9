"""What a language model can have done for it: the words in which those who ask and those who do meet.

Rule: who offers tools says all that it has to say in an Offer that stays the same from question to
question, since it stands at the head of the prompt; a failure is told to the model, and never raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from wyoming_voice.handle.session import Question


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that can be done; `parameters`: the JSON Schema of an object; `reads`: it changes nothing."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    reads: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What a model asks for: the tool, and its arguments as it wrote them (JSON, one hopes)."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of a call, for the model to read; data, whatever it says.

    `unsure`: an error after which it may have been done all the same.
    """

    text: str
    error: bool = False
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools there are for a question, and what the model is told about them beside their descriptions."""

    tools: tuple[Tool, ...] = ()
    told: str = ""


class Toolbox(Protocol):
    """Whoever offers tools."""

    async def offer(self, question: "Question") -> Offer:
        """What there is for this question, at once where it is known; what can't be reached is told in it."""

    async def call(
        self, name: str, arguments: Mapping[str, Any], question: "Question"
    ) -> ToolResult:
        """Do it, once. Ends within its own deadline; cancelled, what was begun may yet come about."""

    async def close(self) -> None:
        """Let go of what is open."""
