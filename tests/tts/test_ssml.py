"""SSML is read without its tags, however it is cut."""

import pytest

from wyoming_voice.tts.ssml import SsmlStripper


def stripped(text: str, size: int) -> str:
    stripper = SsmlStripper()
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    return "".join(map(stripper.push, chunks)) + stripper.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("ssml", "words"),
    [
        ("plain", "plain"),
        ("<speak>Hello <emphasis level='strong'>you</emphasis></speak>", "Hello you"),
        ("<p>One.</p><p>Two.</p>", " One.  Two. "),
        ("Wait<break time='1s'/>here", "Wait here"),
        ("<sp>a</sp><ssx>b", "ab"),
        ("3 < 4 and a<4", "3 < 4 and a<4"),
        ("a &lt;b&gt; &amp;amp; &#39;c&#x27;", "a <b> &amp; 'c'"),
        ("fish & chips &unknown; & &", "fish & chips &unknown; & &"),
        ("<?xml version='1.0'?><!-- no -->yes", "yes"),
        ("cut off <spe", "cut off <spe"),
        ("cut off <", "cut off <"),
    ],
)
def test_words_stay_and_tags_go(ssml: str, words: str, size: int) -> None:
    assert stripped(ssml, size) == words
