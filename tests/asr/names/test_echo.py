"""A text that is nothing but the names that were told, and when it is believed."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.asr.speech import COMMAND_MODEL, said
from wyoming_voice.asr.engine import DecodeOptions, Evidence, Glossary, Segment
from wyoming_voice.asr.gate import Reason, judged
from wyoming_voice.asr.names.echo import Echo, echo_in
from wyoming_voice.asr.whisper.ctranslate import Hearing
from wyoming_voice.asr.whisper.doubts import Doubt, doubt
from wyoming_voice.asr.whisper.whisper import Whisper, WhisperSettings

TOLD = ("Ecobee", "Kitchen lamp", "Hall", "Natalie's lamp", "Kitchen")
SURE = Evidence(no_speech=0.05, log_prob=-0.3, echo=Echo.NAMES, spoken_s=1.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Echo.NONE),
        (" Turn on the kitchen lamp.", Echo.NONE),
        (" Kitchen lamp.", Echo.NAMES),
        (" kitchen, Ecobee!", Echo.NAMES),
        (" Lamp.", Echo.NONE),
        (" Kitchen lamp. Hall.", Echo.NAMES),
        (" Ecobee, Kitchen lamp, Hall.", Echo.RUN),
        (" Hall, Natalie's lamp, Kitchen.", Echo.RUN),
        (" Hall, Kitchen lamp, Ecobee.", Echo.NAMES),
        (" Ecobee, Kitchen lamp, Hall, Natalie's", Echo.NONE),
    ],
)
def test_what_a_text_consists_of(text: str, found: Echo) -> None:
    assert echo_in(text, TOLD) is found
    assert echo_in(text, ()) is Echo.NONE


def segment(evidence: Evidence, text: str = " Kitchen lamp.") -> Segment:
    return Segment(text, 0.0, 30.0, "en", evidence=evidence)


@pytest.mark.parametrize("vad_heard", [True, False])
def test_a_name_that_was_said_passes(vad_heard: bool) -> None:
    for evidence in (SURE, replace(SURE, no_speech=None, log_prob=None, spoken_s=None)):
        assert judged(segment(evidence), vad_heard=vad_heard).reason is Reason.PASSED


@pytest.mark.parametrize(
    "evidence",
    [
        replace(SURE, no_speech=0.7),
        replace(SURE, log_prob=-1.1),
        replace(SURE, spoken_s=0.2),
        replace(SURE, echo=Echo.RUN),
    ],
)
def test_a_name_that_was_hardly_said_is_refused(evidence: Evidence) -> None:
    verdict = judged(segment(evidence), vad_heard=True)
    assert (verdict.text, verdict.reason) == ("", Reason.ECHO)
    passed = judged(segment(replace(evidence, echo=Echo.NONE)), vad_heard=True)
    assert passed.reason is Reason.PASSED


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (SURE, None),
        (replace(SURE, echo=Echo.RUN), Doubt.ECHO),
        (replace(SURE, no_speech=0.7), Doubt.ECHO),
        (replace(SURE, no_speech=0.7, spoken_s=None), None),
        (replace(SURE, echo=Echo.RUN, no_speech=0.7), None),
    ],
)
def test_an_echo_of_somebody_is_a_doubt(evidence: Evidence, why: Doubt | None) -> None:
    assert doubt([segment(evidence)], 4, (0.0, 1.0), 10) is why


class Echoing(Whisper):
    """The real one, but that it repeats names where it is told any; `no_speech` as a test likes it."""

    no_speech = 0.1
    runs = 0

    def _heard(
        self, hearing: Hearing, options: DecodeOptions, why: Doubt | None
    ) -> Iterator[Segment | None]:
        self.runs += 1
        told = hearing.loaded.teller.told(options).phrases
        for found in super()._heard(hearing, options, why):
            if found is None or not told:
                yield found
                continue
            text = f" {', '.join(told)}."
            evidence = replace(
                found.evidence, no_speech=self.no_speech, echo=echo_in(text, told), names=len(told)
            )
            yield replace(found, text=text, evidence=evidence)


@pytest.fixture(scope="module", params=[6.0, 30.0])
def echoing(request: pytest.FixtureRequest) -> Echoing:
    settings = WhisperSettings(
        device="cpu", cpu_threads=1, workers=1, audio_context_s=request.param
    )
    engine = Echoing(str(COMMAND_MODEL), settings)
    engine.load()
    return engine


HOUSE = DecodeOptions(house=Glossary(("Hall", "Loft", "Ecobee"), 3), speech_s=(0.0, 1.0))
ONE_NAME = replace(HOUSE, house=Glossary(("Stop the music",), 1))


def heard(engine: Whisper, options: DecodeOptions) -> list[Segment]:
    found = engine.transcribe(said("Stop the music."), options)
    return [one for one in found if one is not None]


@pytest.mark.parametrize(("options", "no_speech"), [(HOUSE, 0.1), (ONE_NAME, 0.9)])
def test_who_spoke_is_heard_again_without_names(
    echoing: Echoing, options: DecodeOptions, no_speech: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also who said a name and nothing else, which the model took for no speech."""
    monkeypatch.setattr(echoing, "no_speech", no_speech)
    before = echoing.runs
    (found,) = heard(echoing, options)
    assert echoing.runs == before + 2
    assert (found.text, found.evidence.again) == (" Stop the music.", Doubt.ECHO)
    assert (found.evidence.names, judged(found, vad_heard=True).reason) == (0, Reason.PASSED)


def test_where_nobody_speaks_nothing_is_written(
    echoing: Echoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(echoing, "no_speech", 0.9)
    (found,) = heard(echoing, HOUSE)
    assert found.text == " Ecobee, Loft, Hall."
    assert judged(found, vad_heard=True).reason is Reason.ECHO
    assert found.evidence.again == ""


class Recited(Whisper):
    """Says what a test wrote, with names and without."""

    def __init__(self, with_names: list[Segment], without: list[Segment]) -> None:
        super().__init__("base.en", WhisperSettings())
        self._said = {True: with_names, False: without}

    def _heard(
        self, hearing: Hearing, options: DecodeOptions, why: Doubt | None
    ) -> Iterator[Segment | None]:
        yield None
        yield from self._said[bool(options.house.names)]


def test_what_was_told_before_an_echo_is_not_told_again() -> None:
    good, echo, own = (
        segment(Evidence(), " Good morning."),
        segment(replace(SURE, echo=Echo.RUN)),
        segment(Evidence(), " What I said."),
    )
    hearing = Hearing.__new__(Hearing)

    def told(*with_names: Segment) -> list[Segment]:
        found = Recited([*with_names], [own])._own_words(hearing, HOUSE, None)
        return [one for one in found if one is not None]

    assert told(echo, good) == [own]
    assert told(good, echo) == [good, echo]
