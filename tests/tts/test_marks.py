"""How far a text has been said is told to who asks: never too far, and on the audio that says it."""

from itertools import pairwise

import pytest
from wyoming.event import Event
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from tests.tts.fakes import Beeper, Speller, caller, heard
from wyoming_voice.extensions import MARKS, SPOKEN_CHARS
from wyoming_voice.tts.pieces import Piece, Pieces
from wyoming_voice.wire import Connection

PROSE = "It is noon. The sun is high. Shall I go?"
STARTS = [PROSE.index("The"), PROSE.index("Shall"), len(PROSE)]
ASKS: dict[str, object] = {"turn_id": "t", MARKS: True}

TEXTS = [
    PROSE,
    "**Bold sentence.** Next one is *here*. And `code` too, with more words after it.",
    "Here you are:\n```python\nprint('a b c.')\nx = 1\n```\nThat was it. Good.",
    "See [the page](http://example.org/a.b?d) for it. Then go on. ![pic](x.png) End.",
    "1. First thing\n2. Second thing\n- third **item**\n\n# Heading\nAt 5 km/h, for $5.50 and 7:05 pm.",
    "| a | b |\n|---|---|\n| one | two |\nDone now. <b>Tag</b> x <y and so. More.",
    'Paris[1] is big. It has 2**3 people &amp; more. 😀 Yes! "Quoted." (Bracketed.) end',
    "今日は晴れです。明日は雨でしょう。「はい。」と言った。",
    "a" * 700 + ". " + "b " * 300,
    "snake_case is _here_. ~~gone~~ <https://example.com> fine. [link\n](nothing) more",
]


def cut(text: str, size: int = 7, *, stalls: bool = False) -> list[Piece]:
    pieces, made = Pieces("en"), list[Piece]()
    pieces.limit_chars = 40
    for at in range(0, len(text), size):
        made += pieces.add(text[at : at + size])
        if stalls and pieces.may_hold_sentence:
            made += pieces.break_off()
    return made + pieces.finish()


def letters(pieces: list[Piece]) -> str:
    return "".join(char for piece in pieces for char in piece.text if char.isalnum())


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("size", "stalls"), [(1, False), (1, True), (7, False), (1000, False)])
def test_who_goes_on_behind_a_piece_loses_nothing(text: str, size: int, stalls: bool) -> None:
    pieces = cut(text, size, stalls=stalls)
    whole = letters(pieces)
    assert all(before.chars <= after.chars for before, after in pairwise(pieces))
    for count, piece in enumerate(pieces, start=1):
        said, left = letters(pieces[:count]), letters(cut(text[piece.chars :], size, stalls=stalls))
        # A number that was cut in two is said again, and may sound different without its beginning; so is
        # a word that is longer than any.
        again = len(said) + len(left) - len(whole)
        assert 0 <= again <= 300, (piece, text[piece.chars :])
        assert again or said + left == whole
    if not stalls:
        assert pieces[-1].chars == len(text)


async def marked(
    connection: Connection, text: str, size: int, context: dict[str, object]
) -> list[Event]:
    await connection.write(SynthesizeStart(context=context).event())
    for at in range(0, len(text), size):
        await connection.write(SynthesizeChunk(text=text[at : at + size]).event())
    await connection.write(SynthesizeStop().event())
    return await heard(connection, "synthesize-stopped")


def marks(events: list[Event]) -> list[int]:
    return [event.data[SPOKEN_CHARS] for event in events if SPOKEN_CHARS in event.data]


@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_a_stream_tells_where_each_piece_ends(size: int) -> None:
    async with caller(Beeper()) as connection:
        events = await marked(connection, PROSE, size, ASKS)
    assert marks(events) == STARTS


async def test_a_whole_text_tells_the_same_on_the_last_chunk_of_each_piece() -> None:
    async with caller(Beeper()) as connection:
        await connection.write(Synthesize(text=PROSE, context=ASKS).event())
        events = [event for event in await heard(connection, "audio-stop") if event.payload]
    assert marks(events) == STARTS
    sizes = [len(event.payload or b"") for event in events]
    assert SPOKEN_CHARS in events[-1].data
    assert SPOKEN_CHARS not in events[0].data
    assert (
        sum(sizes[: next(at for at, e in enumerate(events) if SPOKEN_CHARS in e.data) + 1]) > 7000
    )


async def test_a_piece_in_several_sounds_is_said_with_the_last_of_them() -> None:
    async with caller(Speller(), chunk_ms=1000) as connection:
        await connection.write(Synthesize(text=PROSE, context=ASKS).event())
        events = [event for event in await heard(connection, "audio-stop") if event.payload]
    told = [event.data.get(SPOKEN_CHARS) for event in events]
    assert [place for place in told if place] == sorted(STARTS)
    assert told.count(None) >= 6  # the other words', and the rests'


@pytest.mark.parametrize("context", [{"turn_id": "t"}, {MARKS: "yes"}, {MARKS: 1}])
async def test_nobody_else_is_told(context: dict[str, object]) -> None:
    async with caller(Beeper()) as connection:
        assert marks(await marked(connection, PROSE, 9, context)) == []


async def test_of_ssml_nothing_is_told() -> None:
    asked = Synthesize(text="<p>Hello</p> there.", context=ASKS).event()
    asked.data["text_format"] = "ssml"
    async with caller(Beeper()) as connection:
        await connection.write(asked)
        assert marks(await heard(connection, "audio-stop")) == []
