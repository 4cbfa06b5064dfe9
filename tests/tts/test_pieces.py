"""Text into the pieces that are spoken: the same however it came, each said to be a sentence or a clause."""

import pytest

from wyoming_voice.tts.pieces import Piece, Pieces

TEXT = "Well, here is the **weather** today, in short. It rains!\n- umbrella\n- boots\n\nEnjoy it."


def cut(text: str, size: int = 1000) -> list[Piece]:
    pieces = Pieces("en-US")
    made: list[Piece] = []
    for at in range(0, len(text), size):
        made += pieces.add(text[at : at + size])
    return made + pieces.finish()


@pytest.mark.parametrize("size", [1, 2, 5, 13, 1000])
def test_pieces_do_not_depend_on_how_the_text_came(size: int) -> None:
    assert cut(TEXT, size) == cut(TEXT)


def test_marks_go_and_sentences_stay() -> None:
    texts = [piece.text for piece in cut(TEXT)]
    assert "".join(texts).count("*") == 0
    assert texts[0].startswith("Well, here is the weather")
    assert texts[-1] == "Enjoy it."


def test_a_clause_is_no_sentence_and_a_line_is_one() -> None:
    by_text = {piece.text: piece for piece in cut(TEXT)}
    clause = next(piece for piece in cut(TEXT))
    assert not clause.ends_sentence
    assert clause.ending == clause.text
    (line,) = [piece for text, piece in by_text.items() if text.startswith("umbrella")]
    assert line.ends_sentence
    assert line.ending.endswith(".")


def test_a_line_without_a_stop_ends_a_sentence() -> None:
    first, _ = cut("an old song\nby somebody")
    assert first == Piece("an old song", ends_sentence=True)
    assert first.ending == "an old song."


def test_the_last_piece_ends_whatever_it_is() -> None:
    assert cut("no stop at all")[-1] == Piece("no stop at all", ends_sentence=True)
    assert cut("no stop at all")[-1].ending == "no stop at all."


def test_blank_text_has_no_pieces() -> None:
    assert cut("") == cut("  \n\t ") == cut("**") == cut("🙂") == []


def test_a_sentence_that_waits_for_a_word_can_be_broken_off() -> None:
    pieces = Pieces("en-US")
    assert pieces.add("One moment.") == []
    assert pieces.may_hold_sentence
    assert [piece.text for piece in pieces.break_off()] == ["One moment."]
    assert not pieces.may_hold_sentence
    assert [piece.text for piece in pieces.add("Here it is.") + pieces.finish()] == ["Here it is."]


def test_a_line_that_ended_can_be_broken_off_once() -> None:
    pieces = Pieces("en-US")
    assert pieces.add("Here are some songs\n\n") == []
    assert pieces.may_hold_sentence
    assert [piece.text for piece in pieces.break_off()] == ["Here are some songs"]
    assert not pieces.may_hold_sentence


@pytest.mark.parametrize("text", ["", "and then", "well,", "so: "])
def test_an_open_sentence_is_not_broken_off(text: str) -> None:
    pieces = Pieces("en-US")
    pieces.add(text)
    assert not pieces.may_hold_sentence


def test_a_limit_holds_for_what_comes_next() -> None:
    pieces = Pieces("en-US")
    pieces.limit_chars = 20
    made = pieces.add("these are many words without any mark and they go on and on " * 3)
    assert made
    assert max(len(piece.text) for piece in made) <= 20
