"""Which language a request is about: tags of all kinds in, the codes that Whisper uses out.

Clients name languages as `en`, `en-US`, `en_GB` or `zh-Hans-CN`; a recogniser knows only the first part,
and a few under another name.
"""

from collections.abc import Sequence

from wyoming_voice.errors import PeerError, UnknownChoice

AUTO = "auto"

_NAMES = """
    af afrikaans, am amharic, ar arabic, as assamese, az azerbaijani, ba bashkir, be belarusian,
    bg bulgarian, bn bengali, bo tibetan, br breton, bs bosnian, ca catalan, cs czech, cy welsh,
    da danish, de german, el greek, en english, es spanish, et estonian, eu basque, fa persian,
    fi finnish, fo faroese, fr french, gl galician, gu gujarati, ha hausa, haw hawaiian, he hebrew,
    hi hindi, hr croatian, ht haitian creole, hu hungarian, hy armenian, id indonesian, is icelandic,
    it italian, ja japanese, jw javanese, ka georgian, kk kazakh, km khmer, kn kannada, ko korean,
    la latin, lb luxembourgish, ln lingala, lo lao, lt lithuanian, lv latvian, mg malagasy, mi maori,
    mk macedonian, ml malayalam, mn mongolian, mr marathi, ms malay, mt maltese, my myanmar, ne nepali,
    nl dutch, nn nynorsk, no norwegian, oc occitan, pa punjabi, pl polish, ps pashto, pt portuguese,
    ro romanian, ru russian, sa sanskrit, sd sindhi, si sinhala, sk slovak, sl slovenian, sn shona,
    so somali, sq albanian, sr serbian, su sundanese, sv swedish, sw swahili, ta tamil, te telugu,
    tg tajik, th thai, tk turkmen, tl tagalog, tr turkish, tt tatar, uk ukrainian, ur urdu, uz uzbek,
    vi vietnamese, yi yiddish, yo yoruba, zh chinese, yue cantonese
"""
_NAME_BY_CODE = dict(entry.strip().split(" ", 1) for entry in _NAMES.split(","))

WHISPER = tuple(_NAME_BY_CODE)
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


def name_of(code: str) -> str:
    """The English name of a language, as OpenAI's API tells it; `unknown` where none was heard."""
    return _NAME_BY_CODE.get(code, code) or "unknown"


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


def checked_task(task: str, model: str, known: Sequence[str]) -> None:
    """Raises PeerError (no-translation) where a translation is asked of a model that can't do one."""
    if task == "translate" and len(known) == 1:
        raise NoTranslation(model)


class NoTranslation(PeerError):
    """A translation, asked of a model that knows one language only."""

    code = "no-translation"
    param = "model"

    def __init__(self, model: str) -> None:
        super().__init__(
            f"the model {model!r} knows one language and can't translate; use a multilingual Whisper "
            "that was trained to, such as --model small (not turbo, nor a distilled one)"
        )


class NotSpoken(PeerError):
    """A language that the loaded model does not understand, but others do."""

    code = "unknown-language"
    param = "language"

    def __init__(self, language: str, model: str, only: str, many: str) -> None:
        super().__init__(
            f"the model {model!r} understands only {only!r}, not {language!r}; start the server with a "
            f"multilingual one, such as {many}"
        )
