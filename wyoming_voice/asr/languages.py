"""Which language a request is about: tags of all kinds in, the codes that Whisper uses out.

Clients name languages as `en`, `en-US`, `en_GB` or `zh-Hans-CN`; a recogniser knows only the first part,
and a few under another name.
"""

from collections.abc import Sequence

from wyoming_voice.errors import PeerError, UnknownChoice

AUTO = "auto"

# fmt: off
WHISPER = (
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de",
    "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht",
    "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt",
    "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl",
    "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta",
    "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "zh", "yue",
)
# fmt: on
"""The languages of the multilingual Whisper models (openai/whisper, `whisper/tokenizer.py`, LANGUAGES)."""

_OTHER_NAMES = {
    "nb": "no",
    "jv": "jw",
    "fil": "tl",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "cmn": "zh",
}


def primary(tag: str) -> str:
    """The code that Whisper uses for a tag: `en` for `en-US`, `no` for `nb-NO`, `auto` for an empty one."""
    code = tag.strip().replace("_", "-").split("-")[0].lower()
    return _OTHER_NAMES.get(code, code) or AUTO


def chosen(tag: str, model: str, known: Sequence[str], many: str) -> str | None:
    """The language of `model` that a tag means, None for `auto`; raises PeerError (unknown-language).

    `many`: the options that start a server which knows more languages.
    """
    code = primary(tag)
    if code in known:
        return code
    if code == AUTO:
        return known[0] if len(known) == 1 else None
    if len(known) == 1 and code in WHISPER:
        raise NotSpoken(code, model, known[0], many)
    raise UnknownChoice("language", tag, [*known, AUTO])


class NotSpoken(PeerError):
    """A language that the loaded model does not understand, but others do."""

    code = "unknown-language"

    def __init__(self, language: str, model: str, only: str, many: str) -> None:
        super().__init__(
            f"the model {model!r} understands only {only!r}, not {language!r}; start the server with a "
            f"multilingual one, such as {many}"
        )
