"""What a language model writes, and how it is read aloud."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.core.readings import Reading
from wyoming_voice.core.sentences import SentenceSplitter
from wyoming_voice.core.speakable import Speakable

MARKUP = [
    ("**bold**, *it*, __b__, ~~gone~~ `code`", "bold, it, b, gone code"),
    ("an **unfinished mark", "an unfinished mark"),
    ("2 * 3", "2 * 3"),
    ("a](b) c", "a(b) c"),
    ("```x y``` z", "x y z"),
    (f"http://a.bc/{'x' * 700} end", "a.bc end"),
    ("Hi. 👋. Bye", "Hi. Bye"),
    ("# Title\ntext", "Title.\ntext"),
    ("- a\n* b!\n+ c\n  - [x] d", "a.\nb!\nc.\nd."),
    ("> quoted\n> more", "quoted\nmore"),
    ("a\n---\nb\n***\n", "a\nb"),
    ('[text](http://x.y/z_(a) "t") and ![alt](a.png)', "text and alt"),
    ("[text][ref] and [x] and a[b]", "text and x and a b"),
    ("[a](no link here) b", "a (no link here) b"),
    ("Paris is big[1].", "Paris is big."),
    ("| a | b |\n|---|:-:|\n| c d | e |", "a, b.\nc d, e."),
    ("x <b>bold</b> y<br>z <!-- no --> &amp;lt; &lt;", "x bold y\nz &lt; <"),
    ("if a < b and b > a", "if a < b and b > a"),
    ("\\*stars\\*", "*stars*"),
    ("Hi 👋🏽! 👨‍👩‍👧 ok 🇩🇪 1️⃣ go ™ ☎️", "Hi! ok 1 go"),
    ("a\u200bb\x00c\u202ed\ufeff", "abcd"),
    ("می\u200cخواهم", "می\u200cخواهم"),
    ("cafe\u0301", "café"),
    ("wow!!! really?!?! so..... ok,, x -- y", "wow! really? so... ok, x — y"),
    ("Settings → Voice", "Settings, Voice"),
    ("see https://www.a-b.io/docs?x=1. Or <https://c.de>", "see a-b.io. Or c.de"),
]
ENGLISH = [
    ("1. First\n2) Second", "one: First.\ntwo: Second."),
    ("Run:\n```sh\nrm -rf *\n```\nDone", "Run:\nCode block.\nDone"),
    ("Run:\n```\nnever closed", "Run:\nCode block."),
    ("https://www.home-assistant.io/docs", "home-assistant dot io"),
    ("(https://a.io/b_(c)), me.x@ex.com.", "(a dot io), me dot x at ex dot com."),
    ("README.md, Node.js, localhost:80", "README dot md, Node dot js, localhost port eight zero"),
    ("5 km/h 70%, 1 kg", "five kilometers per hour seventy percent, one kilogram"),
    ("10 Mbit/s", "ten megabits per second"),
    ("2 m² and 1 km", "two square meters and one kilometer"),
    ("-5 °C outside", "minus five degrees Celsius outside"),
    (
        "14:30, 7:05 pm, 19:00, 7:00",
        "fourteen thirty, seven oh five PM, nineteen hundred, seven o'clock",
    ),
    ("at 5 p.m. Tomorrow", "at five PM. Tomorrow"),
    ("at 5 p.m. on Monday", "at five PM on Monday"),
    ("2026-11-21, 11/21/2026", ", ".join(["November twenty-first twenty twenty-six"] * 2)),
    ("January 5, 2026", "January fifth, twenty twenty-six"),
    ("5 January in 1984", "fifth of January in nineteen eighty-four"),
    ("$5.50, €3, $0.99", "five dollars fifty, three euros, ninety-nine cents"),
    ("£1.2 million, -$5, 5 €", "one point two million pounds, minus five dollars, five euros"),
    ("10-20, 10–20 km", "ten to twenty, ten to twenty kilometers"),
    ("$5-10", "five to ten dollars"),
    ("1990-2000", "nineteen ninety to two thousand"),
    (
        "1/2, 3/4, 2 1/2, 2½, 24/7",
        "one half, three quarters, two and one half, two and one half, twenty-four seven",
    ),
    ("1st, 22nd, the 1990s", "first, twenty-second, the nineteen nineties"),
    ("555-1234", "five five five one two three four"),
    ("+44 20 7946", "plus four four two zero seven nine four six"),
    ("007", "zero zero seven"),
    (
        "1234567890123456",
        "one two three four five six seven eight nine zero one two three four five six",
    ),
    ("1,234,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
    (
        "2 + 2 = 4, 3 × 4, 5 - 3, 2*3",
        "two plus two equals four, three times four, five minus three, two times three",
    ),
    ("R&D #1 No. 5 @home", "R and D number one number five at home"),
    ("No. I won't.", "No. I won't."),
    ("e.g. this, i.e. Dr. X vs. Y", "for example this, that is Doctor X versus Y"),
    ("pears, etc. and more, etc. Then", "pears, et cetera and more, et cetera. Then"),
    (
        "v2.0.1, 10.0.0.12",
        "version two point zero point one, one zero dot zero dot zero dot one two",
    ),
    ("B12, H2O, GPT-4, 4K", "B twelve, H two O, GPT-four, four K"),
    ("C++, C#, snake_case", "C plus plus, C sharp, snake case"),
    (
        "~5 min, 10^6, 16:9, x > 5",
        "about five minutes, ten to the power of six, sixteen to nine, x greater than five",
    ),
    ("| 12°C | -1% |", "twelve degrees Celsius, minus one percent."),
    (
        "2 tbsp. oil, 2 lbs., 1 (15 oz.) can",
        "two tablespoons oil, two pounds, one (fifteen ounces) can",
    ),
    ("2-3 min. per side, 5 min. Then", "two to three minutes per side, five minutes. Then"),
    ("3½ tsp salt, ½ cup", "three and one half teaspoons salt, one half cup"),
    ("180°C/350°F", "one hundred eighty degrees Celsius, three hundred fifty degrees Fahrenheit"),
    ("Jan. 5th, Dec 25, in Oct. Then", "January fifth, December twenty-fifth, in October. Then"),
    ("Tues., Jan Smith, 3 Mar. 2020", "Tuesday, Jan Smith, third of March twenty twenty"),
    ("on Mon. at 5, on Thu. Then", "on Monday at five, on Thursday. Then"),
    ("9/11, 8/10, 10 / 2", "nine eleven, eight out of ten, ten divided by two"),
    ("(1984) born 1987", "(nineteen eighty-four) born nineteen eighty-seven"),
    ("in 1066, 1000 men", "in ten sixty-six, one thousand men"),
    ("1600 Main St", "sixteen hundred Main St"),
    ("5'11\" tall, 10' x 12'", "five feet eleven inches tall, ten by twelve feet"),
    (
        "640x480, 3x faster, 3x + 1",
        "six hundred forty by four hundred eighty, three times faster, three x plus one",
    ),
    ("1-800-555-0199", "one eight zero zero five five five zero one nine nine"),
    ("Call 911 or call 10 people", "Call nine one one or call ten people"),
    ("H₂O, C₁₂, CO₂.", "H two O, C twelve, CO two."),
    (
        "8.4M people, 1.5B, $2tn, seat 4B",
        "eight point four million people, one point five billion, two trillion dollars, seat four B",
    ),
    (
        "$5/month, 5 mg/day, 3 per km²",
        "five dollars per month, five milligrams per day, three per square kilometer",
    ),
    ("1 EUR, 2 GBP, $1.05, 50¢", "one euro, two pounds, one dollar five cents, fifty cents"),
    ("1h30m, v2.0, V8", "one hour thirty minutes, version two point zero, V eight"),
    (
        "x^2, 2^10, 10^8 m/s",
        "x squared, two to the power of ten, ten to the power of eight meters per second",
    ),
    ("It rains. [1] It pours.", "It rains. It pours."),
    ("press [1] w/o delay", "press one without delay"),
]
NEUTRAL = [
    ("de", "**Um 14:30** sind es 21,5 °C 😀.", "Um 14:30 sind es 21,5 °C."),
    ("de-AT", "1. Erstens\n```\ncode\n```\n2. Zweitens", "1: Erstens.\n2: Zweitens."),
    ("ja", "**こんにちは**。か\u3099 [リンク](http://a.b)です", "こんにちは。が リンクです"),
]
PIECES = [
    *"aA 15.,*_`[]()<>!?#&;|-\n~:/$%@'\"é\u0301👋\u200d好。\\\t=+x",
    *("**b**", "[x](http://a.b/c)", "```\ncode\n```\n", "| a | b |\n|---|---|\n", " 7:05 p.m. "),
    *("5 km/h", "etc. ", "$5.50 ", "<br>", "&amp;", "2026-11-21", "word ", "No. 5 ", "10-20 km"),
    *(
        "hello, you. ",
        "https://www.a.io/x_y. ",
        "1. ",
        "- ",
        "> ",
        "# ",
        "](",
        "***",
        "<b",
        "May 5",
    ),
]
ANY_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=40).map("".join))


def speak(text: str, language: str = "en") -> str:
    speakable = Speakable(language)
    return said(speakable.add(text) + speakable.finish()).strip()


def said(readings: Sequence[Reading]) -> str:
    return "".join(reading.spoken for reading in readings)


@pytest.mark.parametrize(("text", "spoken"), MARKUP)
def test_markup_is_taken_away(text: str, spoken: str) -> None:
    assert " ".join(speak(text, "nl").split()) == " ".join(spoken.split())


@pytest.mark.parametrize(("text", "spoken"), ENGLISH)
def test_english_in_words(text: str, spoken: str) -> None:
    assert speak(text, "en-GB") == spoken


@pytest.mark.parametrize(("language", "text", "spoken"), NEUTRAL)
def test_other_languages_keep_their_numbers(language: str, text: str, spoken: str) -> None:
    assert speak(text, language) == spoken


@given(ANY_TEXT, st.lists(st.integers(1, 9), min_size=1), st.sampled_from(["en", "de", "ja"]))
def test_any_split_reads_the_same(text: str, sizes: list[int], language: str) -> None:
    speakable = Speakable(language)
    parts: list[Reading] = []
    at = step = 0
    while at < len(text):
        size = sizes[step % len(sizes)]
        parts += speakable.add(text[at : at + size])
        at, step = at + size, step + 1
    parts += speakable.finish()
    assert parts == speakable.add(text) + speakable.finish()


def test_text_is_let_go_one_word_behind_the_input() -> None:
    speakable = Speakable("en")
    assert said(speakable.add("It is **very")) == "It is"
    assert said(speakable.add(" warm** in")) == " very warm"
    assert said(speakable.add(" here, 5")) == " in here,"
    assert said(speakable.add(" km/")) == ""
    assert said(speakable.add("h. ")) == " five kilometers per hour."


HOSTILE = [
    "*",
    "[",
    "1",
    "a",
    "_",
    "`",
    "<",
    "<a",
    "](",
    "[a](",
    "&a",
    "1 ",
    "1-",
    "1:",
    "a@",
    "a.",
]
HOSTILE += [
    "+1",
    "$1",
    "http://",
    "| ",
    "|-",
    "# ",
    "1 - ",
    "好",
    "\u0301",
    "👋",
    "1,",
    "etc. ",
    "```\n",
]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("language", ["en", "de"])
def test_hostile_text_is_neither_held_nor_blown_up(unit: str, language: str) -> None:
    speakable = Speakable(language)
    text = unit * (100_000 // len(unit))
    early = said(speakable.add(text))
    late = said(speakable.finish())
    # One held digit may become a word of up to ten characters.
    assert len(late) <= 3_600
    assert len(early) <= 8 * len(text)


def test_an_open_bracket_or_tag_is_let_go_after_a_while() -> None:
    assert "word" in said(Speakable("en").add("<a " + "word " * 80))
    assert "word" in said(Speakable("en").add("[x](a " + "word " * 80))


def test_through_both_an_answer_becomes_pieces() -> None:
    answer = (
        "Sure! **Two steps**:\n\n1. Set it to 21.5°C, e.g. at 7 p.m.\n"
        "2. See [the docs](https://a.io/b). 😊\n\nIs 5 km/h ok? U.S. units, too."
    )
    speakable, splitter = Speakable("en-US"), SentenceSplitter()
    pieces = [piece for char in answer for piece in splitter.add(said(speakable.add(char)))]
    pieces += splitter.add(said(speakable.finish())) + splitter.finish()
    assert pieces == [
        "Sure!",
        "Two steps:",
        "one: Set it to twenty-one point five degrees Celsius, for example at seven PM.",
        "two: See the docs.",
        "Is five kilometers per hour ok?",
        "U.S. units, too.",
    ]
