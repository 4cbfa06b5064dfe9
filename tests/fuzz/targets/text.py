"""Text on its way to a voice: whatever a language model or a client writes, cut anywhere."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from tests.fuzz.draw import Draw, cut
from tests.fuzz.target import Target, spoken
from wyoming_voice.core.completeness import completeness
from wyoming_voice.core.sentences import SentenceSettings, SentenceSplitter, first_sentence
from wyoming_voice.core.speakable import Speakable
from wyoming_voice.core.stability import Stability
from wyoming_voice.handle.llm.hidden import HiddenBlocks, Trimmed
from wyoming_voice.handle.tools.disarming import disarmed
from wyoming_voice.tts.pieces import Pieces
from wyoming_voice.tts.ssml import SsmlStripper

T = TypeVar("T")

LANGUAGES = ("en", "de", "ja", "fr-FR", "x_y", "")

_MOST_GROWTH = 60
"""A digit becomes a word, and a unit two; what is longer says that something is read twice."""


def sentences(data: bytes) -> None:
    """Any split gives the same pieces; each letter comes once and in order; none is too long."""
    draw = Draw(data)
    settings = SentenceSettings(draw.pick(LANGUAGES), max_chars=draw.pick((14, 40, 250)))
    sizes, text = draw.sizes(), draw.rest_text()
    splitter = SentenceSplitter(settings)
    pieces = _all(splitter.add, cut(text, sizes)) + splitter.finish()
    assert pieces == splitter.add(text) + splitter.finish()
    assert all(len(piece) <= settings.max_chars and piece == piece.strip() for piece in pieces)
    assert _alnum("".join(pieces)) == _alnum(text)
    first_sentence(text, settings.language)


def speakable(data: bytes) -> None:
    """Any split reads the same, and a text doesn't grow beyond what numbers and units do."""
    draw = Draw(data)
    language, sizes, text = draw.pick(LANGUAGES), draw.sizes(), draw.rest_text()
    reader = Speakable(language)
    readings = _all(reader.add, cut(text, sizes)) + reader.finish()
    assert readings == reader.add(text) + reader.finish()
    said = "".join(reading.spoken for reading in readings)
    assert len(said) <= _MOST_GROWTH * len(text)
    assert "".join(word.text for reading in readings for word in reading.words) or not said.strip()


def pieces(data: bytes) -> None:
    """What is spoken doesn't depend on the split, and its words lie in it, one after another."""
    draw = Draw(data)
    language, sizes, text = draw.pick(LANGUAGES), draw.sizes(), draw.rest_text()
    cutter, whole = Pieces(language), Pieces(language)
    found = _all(cutter.add, cut(text, sizes)) + cutter.finish()
    again = whole.add(text) + whole.finish()
    assert found == again
    assert [piece.words for piece in found] == [piece.words for piece in again]
    for piece in found:
        ends = [0, *(place.end for place in piece.words)]
        starts = [*(place.start for place in piece.words), len(piece.text)]
        assert all(end <= start for end, start in zip(ends, starts, strict=True))
        assert piece.ending


def ssml(data: bytes) -> None:
    """Any split gives the same words; a text without a mark stays as it is."""
    draw = Draw(data)
    sizes, text = draw.sizes(), draw.rest_text()
    stripper = SsmlStripper()
    found = "".join(map(stripper.push, cut(text, sizes))) + stripper.finish()
    assert found == stripper.push(text) + stripper.finish()
    assert len(found) <= len(text)
    assert found == text or "<" in text or "&" in text


def hidden_blocks(data: bytes) -> None:
    """Any split hides the same; nothing is heard that wasn't written, and white space stays within."""
    draw = Draw(data)
    sizes, text = draw.sizes(), draw.rest_text()
    heard = _heard(cut(text, sizes))
    assert heard == _heard([text])
    assert heard == heard.strip()
    assert len(heard) <= len(text)
    assert heard == text.strip() or any(mark in text for mark in "<[━")


def _heard(deltas: Iterable[str]) -> str:
    hidden, trimmed = HiddenBlocks(), Trimmed()
    parts = [trimmed.push(hidden.push(delta)) for delta in deltas]
    return "".join((*parts, trimmed.push(hidden.finish())))


def disarming(data: bytes) -> None:
    """What was disarmed once isn't changed any more, can be sent, and has no mark of a template."""
    text = Draw(data).rest_text()
    safe = disarmed(text)
    assert disarmed(safe) == safe
    safe.encode()
    assert len(safe) <= 2 * len(text)
    for token in ("<|", "|>", "</", "<think", "[INST]", "]~b", "[e~["):
        assert token not in safe


def complete_or_not(data: bytes) -> None:
    """Whether a speaker has finished can be asked of any words in any language."""
    draw = Draw(data)
    language, text = draw.pick(LANGUAGES), draw.rest_text()
    assert completeness(text, language) == completeness(f"{text} \n", language)


def committed(data: bytes) -> None:
    """What was shown for good is a beginning of what is shown later, whatever is supposed meanwhile."""
    shown = Stability()
    told = ""
    *hypotheses, final = Draw(data).rest_text().split("\n")
    for hypothesis in hypotheses:
        told += shown.push(hypothesis)
        assert shown.committed == told
        assert shown.text.startswith(told)
    rest = shown.finish(final)
    assert shown.committed == told + rest


def _all(take: Callable[[str], list[T]], parts: Iterable[str]) -> list[T]:
    return [found for part in parts for found in take(part)]


def _alnum(text: str) -> str:
    return "".join(filter(str.isalnum, text))


_ANSWERS = (
    "Sure! **Two steps**:\n\n1. Set it to 21.5°C, e.g. at 7 p.m.\n2. Done :)\n",
    "It costs $5.99, i.e. 5 km/h on 3/4 of 1-2 cups; call +49 30 1234567 or see https://a.b/c_d?e.",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n```py\nx = 1\n```\n> quote\n<b>bold</b> &amp; [x](http://y)",
    "„Ja“, sagte er. Am 3. Oktober um 14:05 Uhr... Wirklich?! これは本です。はい！",
    "No. 5 is 1,000,000.50% of II. U.S. Dr. Smith vs. the 21st c. 10:30pm -5° ½ №7 e\u0301 👋🏽",
)
_WORDS = (
    "**",
    "](",
    "```",
    "http://",
    "km/h",
    "e.g. ",
    "\n- ",
    "&amp;",
    "<",
    "1.",
    "$",
    "°C",
    "。",
)

TARGETS = (
    Target(sentences, spoken(*_ANSWERS), _WORDS),
    Target(speakable, spoken(*_ANSWERS, head=b"\0\0\0"), _WORDS),
    Target(pieces, spoken(*_ANSWERS, head=b"\0\0\0"), _WORDS),
    Target(
        ssml,
        spoken(
            '<speak>Hi<break time="1s"/><p>a &amp; b &lt;3</p> 1 < 2 &bogus; &#x1F600;</speak>',
            head=b"\0\0",
        ),
        ("<break", "</p>", "<s>", "<!--", "<?", "&amp;", "&#", ";"),
    ),
    Target(
        hidden_blocks,
        spoken(
            "<think>no</think>Yes <tool_call>{}</tool_call> [tool_calls]x[/tool_calls] done",
            " a ━━━━━\nllama-swap loading model: x\nDone! (7.2s)\n━━━━━\n b ",
            head=b"\0\0",
        ),
        (
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "<function=",
            "</function>",
            "━━━━━\n",
        ),
    ),
    Target(
        disarming,
        spoken("<|im_start|>system [INST] </s> ]~b] [e~[ <｜User｜> a|> <think>", head=b""),
        ("<|", "|>", "[INST]", "]~", "~[", "<｜", "\u200b", "\u202e"),
    ),
    Target(complete_or_not, spoken("Turn on the", "set a timer for twenty", "Ja!", head=b"\0")),
    Target(
        committed,
        spoken("Turn on\nTurn on the\nTurn on the light", "日本\n日本語\n日本語", head=b""),
    ),
)
