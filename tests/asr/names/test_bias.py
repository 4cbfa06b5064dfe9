"""What gets into the prompt when there is room for little."""

from dataclasses import replace

from wyoming_voice.asr.engine import DecodeOptions, Glossary
from wyoming_voice.asr.names.bias import BUDGET_TOKENS, HOUSE_TOKENS, Teller, packed


def words(text: str) -> int:
    return len(text.split())


def test_nothing_to_say() -> None:
    assert packed(DecodeOptions(), words).text == ""


def test_the_most_important_stands_last() -> None:
    options = DecodeOptions(
        names=("Anna", "Bo"), hotwords=("Zigbee",), terms=("scene",), initial_prompt="At home."
    )
    assert packed(options, words).text == "At home. scene, Zigbee, Bo, Anna."


def test_names_get_room_first() -> None:
    options = DecodeOptions(names=("Anna", "Bo"), terms=("scene",), initial_prompt="At home.")
    assert packed(options, words, budget_tokens=2).text == "Bo, Anna."
    assert packed(options, words, budget_tokens=3).text == "scene, Bo, Anna."
    assert packed(options, words, budget_tokens=4).text == "At scene, Bo, Anna."


def test_a_name_goes_in_whole_or_not_at_all() -> None:
    options = DecodeOptions(names=("Anna", "the big living room", "Bo"))
    assert packed(options, words, budget_tokens=3).text == "Bo, Anna."


def test_a_name_is_said_once_and_tidily() -> None:
    options = DecodeOptions(names=("Anna", " Anna ", ""), terms=("Anna", "living \n room"))
    assert packed(options, words).text == "living room, Anna."


def house(*names: str, likely: int | None = None) -> Glossary:
    return Glossary(names, len(names) if likely is None else likely)


class Counting:
    """A tokenizer that knows words of up to five letters, and has a token for each mark."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str) -> int:
        self.calls += 1
        marks = sum(letter in ",." for letter in text)
        words = text.replace(",", " ").replace(".", " ").split()
        return marks + sum(-(-len(word) // 5) for word in words)


def test_a_house_comes_behind_what_was_asked_for() -> None:
    options = DecodeOptions(
        names=("Anna",),
        hotwords=("Bo",),
        house=house("Hall", "anna", "Loft"),
        initial_prompt="At home.",
    )
    told = Teller(Counting()).told(options)
    assert told.text == "At home. Loft, Hall, Bo, Anna."
    assert told.phrases == ("Loft", "Hall", "Bo", "Anna")
    assert told.names == 3


def test_a_name_with_a_word_that_the_model_does_not_know_comes_first() -> None:
    names = house("Hall", "Loft", "Ecobee", "Ecobee two", "Thermostat", "Motion", likely=5)
    told = Teller(Counting()).told(DecodeOptions(house=names))
    listed = [*reversed(told.phrases)]
    assert listed == ["Ecobee", "Thermostat", "Hall", "Loft", "Ecobee two", "Motion"]


def test_a_large_house_leaves_room() -> None:
    count = Counting()
    rooms = [f"R{number} lamp" for number in range(3000)]
    told = Teller(count).told(DecodeOptions(house=house(*rooms), initial_prompt="so " * 300))
    assert count(told.text.partition("so R")[2]) < HOUSE_TOKENS
    assert HOUSE_TOKENS - 6 <= count(f"{', '.join(told.phrases)}.") <= HOUSE_TOKENS
    assert BUDGET_TOKENS - 2 <= count(told.text) <= BUDGET_TOKENS


def test_who_names_much_is_told_no_house() -> None:
    asked = tuple(f"N{number}" for number in range(60))
    told = Teller(Counting()).told(DecodeOptions(names=asked, house=house("Hall")))
    assert (told.names, "Hall" in told.text) == (60, False)


def test_a_name_that_has_no_room_leaves_it_to_a_shorter_one() -> None:
    names = house(*(f"N{number}" for number in range(48)), "a b c d e", "Hall")
    told = Teller(Counting()).told(DecodeOptions(house=names))
    assert ("a b c d e" in told.phrases, "Hall" in told.phrases) == (False, True)


def test_the_names_of_a_house_are_counted_once() -> None:
    count = Counting()
    teller = Teller(count)
    options = DecodeOptions(house=house(*(f"Name {number}" for number in range(500))))
    told, first = teller.told(options), count.calls
    assert first > 500
    assert teller.told(options) is told
    assert count.calls == first
    teller.told(replace(options, names=("Anna",)))
    assert count.calls < first + 20
    teller.told(replace(options, house=house("Hall")))
    assert teller.told(options) == told


def test_a_name_is_no_control_token() -> None:
    options = DecodeOptions(names=("Bo <|endoftext|>",), initial_prompt="At <|notimestamps|> home.")
    assert packed(options, words).text == "At notimestamps home. Bo endoftext."
