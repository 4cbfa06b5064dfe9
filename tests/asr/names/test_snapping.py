"""When what was heard becomes a name, and when it doesn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wyoming_voice.asr.engine import Segment, Snap, Word
from wyoming_voice.asr.names.snapping import SURE, UNSURE, Snapper

HOUSE = (
    "Ecobee",
    "Hue Play bar",
    "Hue",
    "Sonos",
    "Kitchen lamp",
    "Living room",
    "Dachboden",
    "Tado",
)


def segment(text: str, language: str = "en", sure: float = 0.99) -> Segment:
    """A text whose words in `<>` the recogniser was unsure of; half a second each."""
    words = [
        Word(
            word.replace("<", "").replace(">", ""),
            at / 2,
            (at + 1) / 2,
            0.3 if "<" in word else sure,
        )
        for at, word in enumerate(f" {one}" for one in text.split())
    ]
    return Segment(
        "".join(word.text for word in words), 0.0, len(words) / 2, language, tuple(words)
    )


def snapped(text: str, *names: str, language: str = "en") -> str:
    return Snapper(names or HOUSE).snapped(segment(text, language)).text.strip()


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        ("turn on the <eco> <bee>", "turn on the Ecobee"),
        ("<Eco> <bee>, please.", "Ecobee, please."),
        ("is the (<eco> <bee>)?", "is the (Ecobee)?"),
        ("the <eco> <bee's> battery", "the Ecobee's battery"),
        ("<hew> play bar off", "Hue Play bar off"),
        ("turn on the <hew>", "turn on the Hue"),
        ("stop <so> <nos> now", "stop Sonos now"),
        ("<Eco> <bee> and <so> <nos>", "Ecobee and Sonos"),
    ],
)
def test_what_sounds_like_a_name_becomes_it(heard: str, text: str) -> None:
    assert snapped(heard) == text


@pytest.mark.parametrize(
    "heard",
    [
        *("turn on the eco bee", "turn on the <ecobee>", "turn on the <kitchen> lamp"),
        *("we <eco>, <bee> there", "turn on <the> living room", "the <toddler> is asleep"),
        *("<hay> there", "<to> do", "hew play bar", "<kitchen>", "in <the> <attic>"),
    ],
)
def test_what_is_left_as_it_is(heard: str) -> None:
    assert snapped(heard) == segment(heard).text.strip()


@pytest.mark.parametrize(
    ("heard", "name"),
    [
        *(("turn on the <light>", "Lyte"), ("turn on the <lamp>", "Lampe"), ("<now>", "Nao")),
        *(("<tea> <v> 2", "TV 3"), ("what a <day>", "Tado")),
    ],
)
def test_everyday_words_and_other_numbers_are_no_names(heard: str, name: str) -> None:
    assert snapped(heard, name) == segment(heard).text.strip()


def test_a_word_of_another_name_is_no_name() -> None:
    assert snapped("the <sonus>", "Sonos") == "the Sonos"
    assert snapped("the <sonus>", "Sonos", "Sonus lamp") == "the sonus"


def test_of_two_names_as_near_none_is_chosen() -> None:
    assert snapped("the <sonas>", "Sonos", "Sonus") == "the sonas"
    assert snapped("the <sonas>", "Sonos", "SONOS") == "the Sonos"


def test_the_longer_of_two_names_was_said() -> None:
    assert snapped("the <zig> <bee> hub", "Zigbee", "Zigbee hub") == "the Zigbee hub"
    assert snapped("the <zig> <bee> lamp", "Zigbee", "Zigbee hub") == "the Zigbee lamp"


def test_a_shared_room_makes_no_speaker_of_a_sneaker() -> None:
    assert (
        snapped("the living room <sneezer>", "Living room thermostat") == "the living room sneezer"
    )


@pytest.mark.parametrize(("probability", "snaps"), [(UNSURE - 0.01, 1), (UNSURE, 0), (SURE, 0)])
def test_somebody_sure_is_believed(probability: float, snaps: int) -> None:
    words = (Word(" eco", 0, 1, probability), Word(" bee", 1, 2, (UNSURE + SURE) / 2))
    found = Snapper(HOUSE).snapped(Segment(" eco bee", 0, 2, "en", words))
    assert len(found.evidence.snaps) == snaps


def test_no_word_that_differs_was_sure() -> None:
    words = (Word(" eco", 0, 1, 0.1), Word(" bee", 1, 2, SURE))
    assert Snapper(HOUSE).snapped(Segment(" eco bee", 0, 2, "en", words)).text == " eco bee"


def test_a_name_is_said_when_the_words_were() -> None:
    found = Snapper(HOUSE).snapped(segment("now <hew> play bar off"))
    assert [(word.text, word.start_s, word.end_s) for word in found.words] == [
        (" now", 0.0, 0.5),
        (" Hue", 0.5, 0.962),
        (" Play", 0.962, 1.538),
        (" bar", 1.538, 2.0),
        (" off", 2.0, 2.5),
    ]
    assert found.evidence.snaps == (Snap("hew play bar", "Hue Play bar", 0.0, 0.3),)


def test_a_small_name_begins_a_sentence_as_one_does() -> None:
    assert snapped("<Eco> <bee> on", "ecobee") == "Ecobee on"
    assert snapped("the <eco> <bee>", "ecobee") == "the ecobee"


def test_an_article_stays() -> None:
    assert snapped("<a> <pergo>", "Apergo") == "a Apergo"
    assert snapped("the <wander> <in> here", "Wanderin") == "the Wanderin in here"


@pytest.mark.parametrize(
    ("heard", "names"),
    [
        ("<bullshit> <dishwasher> <know>", ["Bosch dishwasher"]),
        ("<tado> <n>", ["Tado", "Tadon"]),
        ("upstairs bathroom <lump>", ["Upstairs bathroom fan"]),
        ("the <lax>", ["Lux"]),
        ("the <sane>", ["Sauna"]),
        ("<eco> (<bee>)", ["Ecobee"]),
    ],
)
def test_what_is_not_near_enough(heard: str, names: list[str]) -> None:
    assert snapped(heard, *names) == segment(heard).text.strip()


def test_three_letters_have_to_sound_the_same() -> None:
    assert snapped("the <lucks>", "Lux") == "the Lux"


def test_somebody_unsure_of_another_word_is_believed() -> None:
    heard = segment("<well> eco bee", sure=0.7)
    assert Snapper(HOUSE).snapped(heard) is heard


def test_other_languages_are_compared_by_letters() -> None:
    assert snapped("licht im <dach> <boden> an", language="de") == "licht im Dachboden an"
    assert snapped("mach das <licht> an", "Lichd", language="de") == "mach das licht an"
    assert snapped("<ekko> <bi>", language="de") == "ekko bi"


def test_words_that_are_not_its_text_change_nothing() -> None:
    words = (Word(" eco", 0, 1, 0.1), Word(" bee", 1, 2, 0.1))
    odd = Segment(" eco  bee", 0, 2, "en", words)
    assert Snapper(HOUSE).snapped(odd) is odd


def test_only_what_may_be_a_name_is_looked_at_closely() -> None:
    snapper = Snapper(HOUSE)
    assert snapper.near(" turn on the eco bee", "en")
    assert not snapper.near(" turn on the light in the living room", "en")
    assert not Snapper(()).near(" turn on the eco bee", "en")


PIECES = ["eco", "bee", "hew", "Hue", "play", "Bar", "so", "nos", "Sonos", "dach", "boden", "the"]
LETTERS = st.text(st.sampled_from("abehiknoprstuy"), min_size=1, max_size=6)
WORDS = st.builds(
    Word,
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from([" ", " ", " ", " (", "", " - "]),
        st.sampled_from(PIECES) | st.sampled_from(PIECES) | LETTERS,
        st.sampled_from(["", "", "", "'s"]),
        st.sampled_from(["", "", "", "", ",", ".", " -"]),
    ),
    st.just(0.0),
    st.just(0.0),
    st.sampled_from([0.0, 0.3, UNSURE - 0.01, UNSURE, 0.7, SURE, 1.0]),
)
NAMES = st.lists(
    st.sampled_from(HOUSE) | st.text(st.sampled_from("abehiknoprstuy -1."), max_size=12), max_size=6
).map(lambda names: [*HOUSE[:3], *names])


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    words = draw(st.lists(WORDS, max_size=10))
    timed = tuple(Word(word.text, at, at + 1.0, word.probability) for at, word in enumerate(words))
    language = draw(st.sampled_from(["en", "de"]))
    return Segment("".join(word.text for word in timed), 0.0, float(len(timed)), language, timed)


@given(segments(), NAMES)
def test_what_was_sure_never_changes(heard: Segment, names: list[str]) -> None:
    sure = tuple(Word(word.text, word.start_s, word.end_s, UNSURE) for word in heard.words)
    certain = Segment(heard.text, heard.start_s, heard.end_s, heard.language, sure)
    assert Snapper(names).snapped(certain) is certain


@given(segments(), NAMES)
def test_a_text_is_its_words_and_they_are_in_order(heard: Segment, names: list[str]) -> None:
    found = Snapper(names).snapped(heard)
    assert found.text == "".join(word.text for word in found.words)
    ends = [0.0, *(word.end_s for word in found.words)]
    for word, before_s in zip(found.words, ends, strict=False):
        assert before_s <= word.start_s + 0.001 <= word.end_s + 0.002
    assert (found is heard) == (not found.evidence.snaps)


@given(segments(), NAMES)
def test_snapping_again_changes_nothing(heard: Segment, names: list[str]) -> None:
    snapper = Snapper(names)
    found = snapper.snapped(heard)
    assert snapper.snapped(found) is found


@given(segments(), NAMES)
def test_what_is_not_near_is_never_snapped(heard: Segment, names: list[str]) -> None:
    snapper = Snapper(names)
    assert snapper.near(heard.text, heard.language) or snapper.snapped(heard) is heard
