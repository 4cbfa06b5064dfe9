"""Which models are told names before they listen, and which break when they are told anything.

PURE. Rule: a model is told unless there is a published report that this harms it; an operator who has
measured otherwise decides.
"""

from dataclasses import dataclass
from typing import Literal

NamePrompt = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Report:
    """What has been seen of the models with `part` in their name, and where it is written."""

    part: str
    seen: str
    source: str


BROKEN = (
    Report(
        "distil",
        "was distilled without earlier text: from some 50 tokens on small ones cut sentences short "
        "or repeat them, large ones heed no name",
        "https://github.com/OHF-Voice/wyoming-faster-whisper/pull/120",
    ),
)
"""Looked up in public trackers in 2026.

distil-small.en: right without a prompt and with 37 tokens of names; with 53 and 99 its mean log-probability
falls to -1.3 and -1.1, all second tries fail, and texts end early or loop. distil-large-v3: stable with any
prompt, and spells no name better for it (both pull request 120 and the README of the same project; small.en
beside them is steady with 97 tokens and spells the names). Transcripts that break under a prompt are
also told of in SYSTRAN/faster-whisper pull request 557.

Not in the table: large-v3-turbo. Empty texts under a prompt are reported for it (argmaxinc/argmax-oss-swift
issue 372, VocaHQ/vocamac issue 181), and traced to a check of the first token that only that program has
(its pull request 438); it is large-v3 with fewer layers, trained on like a Whisper, with earlier text.
"""


def broken(model: str) -> Report | None:
    """Why a model, by its name, its repository or its directory, is better told nothing; None: no reason."""
    return next((report for report in BROKEN if report.part in model.lower()), None)


def is_told(setting: NamePrompt, model: str) -> bool:
    """Whether a model is told names."""
    return setting == "always" or (setting == "auto" and broken(model) is None)
