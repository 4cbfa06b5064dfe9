"""Which whole utterances stop, and which answers ask back."""

import pytest

from satellite.dialog.phrases import is_question, is_stop


@pytest.mark.parametrize(
    "text",
    [
        "stop", "Stop.", " STOP! ", "Stop, please.", "Okay, stop.", "never mind", "Never mind…",
        "Be quiet!", "That's enough.", "That’s enough", "cancel", "Stopp!", "Hör auf.", "Hor auf",
        "Vergiss es, bitte.", "Arrête !", "Tais-toi.", "Ça suffit", "¡Para!",
        "Cállate, por favor.", "Basta così.", "Lascia perdere", "Hou op.", "Laat maar",
    ],
)  # fmt: skip
def test_a_stop_phrase(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text",
    ["", "?", "please", "stop the music", "don't stop", "non stop", "cancel my meeting", "stopping",
     "never mind the weather, what time is it", "para mañana", "halt die Heizung auf 20 Grad"],
)  # fmt: skip
def test_a_request_that_only_holds_one(text: str) -> None:
    assert not is_stop(text)


@pytest.mark.parametrize(
    "text",
    ["Which room?", "Which room? ", 'He asked: "which room?"', "Which room? 🙂", "Which one? 👩‍👧 ",
     "哪个房间？", "»Welches Zimmer?«", "Really?!", "(Shall I?)", "**Which room?**", "أي غرفة؟"],
)  # fmt: skip
def test_an_answer_that_asks_back(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text", ["", " ", "Done.", "Which room? The kitchen.", "Why? Because", "🙂", "Ready? Go!"]
)
def test_an_answer_that_does_not(text: str) -> None:
    assert not is_question(text)
