import pytest

from wyoming_voice.handle.llm.hidden import HiddenBlocks, Trimmed


def audible(*pieces: str) -> str:
    blocks = HiddenBlocks()
    return "".join(map(blocks.push, pieces)) + blocks.finish()


CASES = [
    ("<think>hm</think>Noon.", "Noon."),
    ("<THINK>\nhm <b>\n</Think>\n\nNoon.", "\n\nNoon."),
    ("It is <thinking>hm</thinking>noon<reasoning>x</reasoning>.", "It is noon."),
    ("Noon.<think>never closed", "Noon."),
    ("Noon.<think>hardly closed</thi", "Noon."),
    ("<think>a</think><think>b</think>Noon.", "Noon."),
    ("a lone end</think>Noon.", "a lone endNoon."),
    ("1 < 2 and <b> and <thin", "1 < 2 and <b> and <thin"),
    ("<think></thinking></think>Noon.", "Noon."),
    ("━━━━━\nllama-swap loading model: q\n...\nDone! (1.00s)\n━━━━━\n \nNoon.", " \nNoon."),
    ("İ<think>İ</think>x", "İx"),
]


@pytest.mark.parametrize(("text", "heard"), CASES)
def test_blocks_are_not_heard_however_the_text_is_cut(text: str, heard: str) -> None:
    assert audible(text) == heard
    assert audible(*text) == heard
    for cut in range(1, len(text)):
        assert audible(text[:cut], text[cut:]) == heard


def test_only_the_beginning_of_a_mark_is_held_back() -> None:
    blocks = HiddenBlocks()
    assert blocks.push("Noon <") == "Noon "
    assert blocks.push("th") == ""
    assert blocks.push("ree") == "<three"


def test_a_long_hidden_block_is_not_kept() -> None:
    blocks = HiddenBlocks()
    blocks.push("<think>")
    for _ in range(100):
        assert blocks.push("x" * 1000) == ""
    assert len(blocks._rest) < 20
    assert blocks.push("</think>Noon.") == "Noon."


def test_white_space_comes_with_the_word_after_it() -> None:
    trimmed = Trimmed()
    pieces = ["\n\n", " It", " is ", "\n", "noon. ", "\n"]
    assert list(map(trimmed.push, pieces)) == ["", "It", " is", "", " \nnoon.", ""]


def test_a_sentence_of_our_own_stands_apart_by_one_space() -> None:
    trimmed = Trimmed()
    assert trimmed.apart("One moment.") == "One moment."
    assert trimmed.push("\n It is ") == " It is"
    assert trimmed.apart("Sorry.") == " Sorry."
    assert trimmed.push("x") == " x"
