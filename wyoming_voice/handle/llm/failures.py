"""What can go wrong between us and a language model, or what is done for it.

Rule: each kind has a sentence (`own_words`) that says what happened to somebody who can't see a screen; the
remedy, for whoever runs the servers, stands in the exception's text and goes to the log. Neither holds a word
of what was said. A refusal that may pass is told apart from one that won't.
"""

from enum import StrEnum

from wyoming_voice.errors import UpstreamError


class Failure(StrEnum):
    """One kind of failure, by its name in the log line."""

    UNREACHABLE = "unreachable"
    KEY_REFUSED = "key-refused"
    NO_MODEL = "no-model"
    BUSY = "busy"
    LOADING = "loading"
    TOO_SLOW = "too-slow"
    REFUSED = "refused"
    FAILED = "failed"
    BROKE_OFF = "broke-off"
    EMPTY = "empty"
    NO_TOOLS = "no-tools"
    ENDLESS = "endless"
    NOT_DONE = "not-done"
    UNFINISHED = "unfinished"
    STILL_ACTING = "still-acting"


SELF_EVIDENT = (Failure.NOT_DONE, Failure.UNFINISHED, Failure.ENDLESS)
"""Said as they are after the first part of an answer, which didn't break off there."""


class LlmError(UpstreamError):
    """A failure of the language model; the text says what an operator can do about it."""

    def __init__(self, failure: Failure, remedy: str) -> None:
        super().__init__(remedy)
        self.failure = failure


_NOT_YET = {429: Failure.BUSY, 502: Failure.LOADING, 503: Failure.LOADING}
_KEY_REFUSED = (401, 403)
_TOOLS_REFUSED = (400, 404, 422, 500, 501)

TOOLS_REMEDY = (
    "it doesn't take these tools: start llama.cpp's server with --jinja, vLLM with "
    "--enable-auto-tool-choice and --tool-call-parser, or ask a model that knows tools (--llm-model); "
    "--log-level debug shows what it says"
)


class NotYetError(Exception):
    """Refused for the moment, before any of the answer came."""

    def __init__(self, failure: Failure, remedy: str, retry_after: str | None = None) -> None:
        super().__init__(remedy)
        self.failure = failure
        self.retry_after = retry_after


def refusal(
    base: str, status: int, retry_after: str | None, model: str = ""
) -> LlmError | NotYetError:
    """What `status` stands for, whatever was asked."""
    if status in _NOT_YET:
        return NotYetError(_NOT_YET[status], f"{base} answers {status}", retry_after)
    if status in _KEY_REFUSED:
        return LlmError(
            Failure.KEY_REFUSED,
            f"{base} refuses the API key ({status}); give it with --api-key-file",
        )
    if status == 404:
        return LlmError(
            Failure.NO_MODEL,
            f"{base} answers 404 for model {model!r}; see --llm-model and --llm-url",
        )
    failure = Failure.FAILED if status >= 500 else Failure.REFUSED
    return LlmError(failure, f"{base} answers {status}; --log-level debug shows what it says")


def refuses_tools(status: int, detail: bytes) -> bool:
    """Whether a request with tools was refused for them.

    llama.cpp: `tools param requires --jinja flag`; Ollama: `... does not support tools`; vLLM: `"auto" tool
    choice requires --enable-auto-tool-choice and --tool-call-parser to be set`.
    """
    said = detail.lower()
    return status in _TOOLS_REFUSED and (b"tool" in said or b"jinja" in said)


def tools_refused(base: str, status: int) -> LlmError:
    """What such a refusal stands for."""
    return LlmError(Failure.NO_TOOLS, f"{base} answers {status}: {TOOLS_REMEDY}")
