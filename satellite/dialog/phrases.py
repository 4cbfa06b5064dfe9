"""What a few whole utterances mean to the satellite itself: `stop`, and an answer that asks back.

Rule: a stop phrase is all that was said, so that `stop the music` goes where every other request goes.
English, German, French, Spanish, Italian and Dutch.
"""

import unicodedata

_STOP = """
    stop | stop it | stop that | stop talking | stop the timer | stop the alarm | cancel | cancel that
    never mind | nevermind | forget it | be quiet | quiet | silence | hush | shut up | enough
    thats enough | that is enough | thats all | that is all | dismiss
    stopp | halt | aufhören | hör auf | hör auf damit | abbrechen | abbruch | vergiss es
    schon gut | nicht so wichtig | ruhe | sei still | sei ruhig | sei leise | still | schluss | genug
    das reicht | das wars | das war es | timer aus | wecker aus
    arrête | arrête toi | arrêtez | arrêter | annule | annuler | laisse tomber | oublie | oublie ça
    tais toi | taisez vous | silence | chut | ça suffit
    para | parar | alto | basta | cancela | cancelar | olvídalo | déjalo | no importa | cállate
    silencio | ya basta | suficiente | detente
    ferma | fermati | fermo | smettila | smetti | annulla | lascia stare | lascia perdere | non importa
    dimentica | zitto | zitta | stai zitto | stai zitta | silenzio | taci | basta così
    stil | stoppen | hou op | ophouden | annuleer | annuleren | laat maar | vergeet het | wees stil
    stilte | zwijg | genoeg | zo is het genoeg
"""

_POLITE = (
    "please", "okay", "ok", "bitte", "danke", "sil te plaît", "sil vous plaît", "merci",
    "por favor", "gracias", "per favore", "grazie", "alsjeblieft", "alstublieft",
)  # fmt: skip

_SILENT_IN_WORDS = "'’‘ʼ`´"
_QUESTION_MARKS = "?？؟⁇⁈‽"


def is_stop(text: str) -> bool:
    """Whether somebody who says this, and nothing else, wants no answer."""
    words = _words(text)
    return words in _STOP_PHRASES or _without_courtesy(words) in _STOP_PHRASES


def is_question(text: str) -> bool:
    """Whether an answer ends by asking; spaces, quotes, other marks and emoji after `?` don't count."""
    for letter in reversed(text):
        if letter in _QUESTION_MARKS:
            return True
        if letter.isalnum():
            return False
    return False


def _words(text: str) -> str:
    """Lower-case words with a space between them: no marks, no accents, whose spelling varies."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = (
        letter if letter.isalnum() else " "
        for letter in letters
        if letter not in _SILENT_IN_WORDS and not unicodedata.combining(letter)
    )
    return " ".join("".join(kept).split())


def _without_courtesy(words: str) -> str:
    for courtesy in _COURTESIES:
        words = words.removesuffix(f" {courtesy}").removeprefix(f"{courtesy} ")
    return words


_STOP_PHRASES = frozenset(
    words for line in _STOP.splitlines() for phrase in line.split("|") if (words := _words(phrase))
)
_COURTESIES = tuple(_words(courtesy) for courtesy in _POLITE)
