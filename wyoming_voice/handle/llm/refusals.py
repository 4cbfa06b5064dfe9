"""What a language model server means by a status that is no success, and what can be done about it.

Rule: a refusal that may pass is told apart from one that won't; the remedy names an option, or what the
server's own operator has to do.
"""

from wyoming_voice.handle.llm.failures import Failure, LlmError

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
