"""What a look at a language model server found, and the line that says so.

Rule: one line, with the remedy in it; nothing that is found ends the process, since a language model may
come up later than we do.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Listing:
    """The models at `url`, or the `problem` that hid them; `named` is the configured one, if any."""

    url: str
    named: str
    models: tuple[str, ...] = ()
    problem: str = ""

    @property
    def reachable(self) -> bool:
        """Whether the server listed its models."""
        return not self.problem

    @property
    def surprising(self) -> bool:
        """Whether somebody should have a look: nothing there, or not the model that is configured."""
        return bool(self.problem) or bool(self.named and self.named not in self.models)

    @property
    def line(self) -> str:
        """`language model: http://host:8080/v1 lists 2 models, using 'qwen3' (the first; ...)`."""
        if self.problem:
            return f"language model: {self.problem}"
        count = f"{len(self.models)} model{'' if len(self.models) == 1 else 's'}"
        return f"language model: {self.url} lists {count}, using {self._use}"

    @property
    def _use(self) -> str:
        if not self.named:
            others = f"; --llm-model picks another of {_shown(self.models)}"
            return f"{chosen(self.models)!r} (the first{others if len(self.models) > 1 else ''})"
        if self.named in self.models:
            return repr(self.named)
        near = get_close_matches(self.named, self.models, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"listed: {_shown(self.models)}"
        return f"{self.named!r}, which is not listed (an alias, perhaps); {remedy}"


def chosen(models: Sequence[str]) -> str:
    """The model to ask when none is named: the first. llama-swap sorts its list by name."""
    return models[0] if models else ""


def names_in(body: bytes) -> tuple[str, ...]:
    """The names in `{"data": [{"id": ...}, ...]}`; a body that makes no sense has none."""
    try:
        listing = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    data = listing.get("data") if isinstance(listing, dict) else None
    entries = data if isinstance(data, list) else []
    names = (entry.get("id") for entry in entries if isinstance(entry, Mapping))
    return tuple(name for name in names if isinstance(name, str) and name)


def _shown(models: Sequence[str]) -> str:
    more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
    return ", ".join(models[:_SHOWN]) + more
