"""Who could answer, Home Assistant or servers of our own, and what is missing where nobody can.

Rule: where both may answer, Home Assistant comes first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from satellite.events import Trouble, Via


@dataclass(frozen=True)
class Link:
    """Whether one who answers is ready, and if not, what is missing: `asr`, `handle`, `tts`."""

    ready: bool = False
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Links:
    """All who could answer."""

    home_assistant: Link = Link()
    direct: Link = Link()

    def of(self, via: Via) -> Link:
        """The link of one of them."""
        return self.home_assistant if via is Via.HOME_ASSISTANT else self.direct

    def with_link(self, via: Via, link: Link) -> Self:
        """The same, but for one of them."""
        if via is Via.HOME_ASSISTANT:
            return replace(self, home_assistant=link)
        return replace(self, direct=link)

    def ready(self, mode: str) -> Iterator[Via]:
        """Those who can answer, best first."""
        if mode != "standalone" and self.home_assistant.ready:
            yield Via.HOME_ASSISTANT
        if mode != "ha" and self.direct.ready:
            yield Via.DIRECT

    def trouble(self, mode: str) -> Trouble:
        """Why nobody can."""
        return Trouble.NO_HOME_ASSISTANT if mode == "ha" else self.lack(Trouble.NO_ASR)

    def lack(self, otherwise: Trouble) -> Trouble:
        """The first stage that our own servers lack, if that is known."""
        lacks = (Trouble.NO_ASR, Trouble.NO_HANDLE, Trouble.NO_TTS)
        named = {f"no-{stage}" for stage in self.direct.missing}
        return next((trouble for trouble in lacks if trouble in named), otherwise)
