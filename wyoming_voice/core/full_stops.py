"""What a full stop means by the words around it: an ordinal's dot, an abbreviation's, or a sentence's end.

Rule: only what the tables here know is answered, the rest is left to whoever asks; English is left to them
altogether. Where the language isn't known (""), what is an abbreviation in one language and a word in
another tells nothing, and a number is an ordinal before a month's name or a word in lower case.

A number before a capital is the hard case. Where nouns have none ("22. listopada") it begins a sentence. In
German it may be a noun ("im 19. Jahrhundert", "der 3. Weltkrieg"), and those are far more frequent than
sentences that end in a number: only a word that is no noun ("Dann", "Das") or a number of four digits, a
year mostly, tells of an end. A missing pause is the lesser harm: the cardinal "am zweiundzwanzig" is wrong.
"""

import re
from collections.abc import Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split("|"))


_GO_ON = {
    "": _phrases("Mr. | Mrs. | Ms. | dr. | prof."),
    "de": _phrases("""
        Dr. | Prof. | Hr. | Fr. | Dipl. | Ing. | St. | Nr. | Nrn. | Bd. | Abs. | Kap. | Tel. | z. B. | d. h.
        | u. a. | z. T. | i. d. R. | z. Zt. | v. a. | o. g. | i. A. | u. U. | m. E. | d. i. | bzw. | ca.
        | vgl. | inkl. | exkl. | zzgl. | evtl. | ggf. | sog. | bspw. | insb. | geb. | gest. | max. | mind.
        | vs.
    """),
    "fr": _phrases("""
        M. | MM. | mme. | mmes. | mlle. | dr. | pr. | Me. | St. | Ste. | p. ex. | c.-à-d. | c. à d. | env.
        | chap. | n°. | tél. | cf.
    """),
    "es": _phrases("""
        sr. | sra. | srta. | sres. | dr. | dra. | prof. | profa. | lic. | ing. | sto. | sta. | p. ej. | p. e.
        | av. | avda. | núm. | pág. | págs. | art. | cap. | tel. | aprox. | D. | dña.
    """),
    "it": _phrases("""
        sig. | sigg. | sig.ra | dott. | dr. | prof. | avv. | ing. | arch. | geom. | rag. | mons. | S. | p. es.
        | es. | pag. | pagg. | art. | cap. | vol. | n. | nr. | tel. | ca. | cfr.
    """),
    "nl": _phrases("""
        dhr. | mevr. | mw. | dr. | drs. | ir. | ing. | mr. | prof. | St. | bijv. | bv. | d. w. z. | o. a.
        | m. b. t. | t. a. v. | i. v. m. | t. o. v. | o. l. v. | i. p. v. | m. a. w. | nr. | nrs. | blz. | ca.
        | incl. | excl. | resp. | evt. | zgn. | vgl. | tel. | max.
    """),
    "pt": _phrases("""
        sr. | sra. | srs. | srta. | dr. | dra. | prof. | profa. | eng. | V. Exa. | D. | sto. | sta. | p. ex.
        | av. | R. | nº. | núm. | pág. | págs. | art. | cap. | tel. | aprox.
    """),
    "pl": _phrases("""
        dr. | prof. | inż. | mgr. | hab. | ks. | św. | p. | np. | tzn. | tj. | t. j. | tzw. | m. in. | ul.
        | al. | pl. | os. | nr. | str. | tel. | zob. | por. | ww. | wg. | ds. | ang.
    """),
    "sv": _phrases("""
        dr. | prof. | hr. | fr. | S:t. | t. ex. | bl. a. | d. v. s. | dvs. | ca. | c:a. | kl. | nr. | resp.
        | jfr. | jmf. | inkl. | exkl. | s. k. | sk. | fr. o. m. | t. o. m. | f. d. | p. g. a. | pga. | ev.
        | tel.
    """),
}
"""Abbreviations that stand before what they belong to, by language; "": where it isn't known, beside all."""

_MAY_END = {
    "de": _phrases(
        "usw. | etc. | u. s. w. | u. ä. | o. ä. | u. v. m. | v. Chr. | n. Chr. | Str. | str."
    ),
    "fr": _phrases("etc. | av. J.-C. | apr. J.-C."),
    "es": _phrases("etc. | Ud. | Uds. | Vd. | Vds. | EE. UU. | a. C. | d. C."),
    "it": _phrases("ecc. | etc. | a. C. | d. C."),
    "nl": _phrases("enz. | etc. | e. d. | e. a. | v. Chr. | n. Chr."),
    "pt": _phrases("etc. | a. C. | d. C."),
    "pl": _phrases("itd. | itp. | i in. | r. | tys. | godz."),
    "sv": _phrases("osv. | o. s. v. | m. m. | m. fl. | etc. | o. d. | f. Kr. | e. Kr."),
}
"""Those that may stand last as well: before a capital they end the sentence."""

_WORDS_ELSEWHERE = _words("""
    Abs. al. ang. arch. art. av. Bd. bv. cap. D. d.i. ds. e.a. e.d. eng. es. etc. ev. excl. hab. hr. i.A.
    inkl. i.in. ing. Ing. ir. lic. m.E. max. Me. mind. MM. mr. mw. n. o.d. os. p. p.e. pl. por. pr. r. R. rag.
    resp. S. sk. St. sta. Ste. sto. str. Str. tel. Tel. tj. tys. vol. vs. wg. ww. Ud. a.C. d.C.
""")
"""What is a word, a name or something else in another of these languages, or left to English."""

_MONTHS = {
    "de": "Januar Jänner Februar Feber März April Mai Juni Juli August September Oktober November Dezember",
    "da no nb nn": "januar februar marts mars april maj mai juni juli august september oktober november "
    "desember december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada "
    "grudnia",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "sk": "januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta "
    "lokakuuta marraskuuta joulukuuta",
    "hu": "január február március április május június július augusztus szeptember október november december",
    "sl": "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
    "hr": "siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna listopada studenoga "
    "studenog prosinca",
    "sr": "januara februara marta aprila maja juna jula avgusta septembra oktobra novembra decembra",
    "et": "jaanuar veebruar märts aprill mai juuni juuli august september oktoober november detsember",
    "lv": "janvāris janvārī februāris februārī marts martā aprīlis aprīlī maijs maijā jūnijs jūnijā "
    "jūlijs jūlijā augusts augustā septembris septembrī oktobris oktobrī novembris novembrī decembris "
    "decembrī",
}
_MONTH_NAMES = frozenset(name.casefold() for names in _MONTHS.values() for name in names.split())
_ORDINAL_DOT = frozenset(code for codes in _MONTHS for code in codes.split())
"""Where "3." is "third"; seldom in Swedish."""

_NOUNS_HAVE_CAPITALS = "de"
_GERMAN_BEGINNINGS = _words("""
    Der Die Das Den Dem Ein Eine Einen Einem Einer Dies Diese Dieser Dieses Ich Du Er Sie Es Wir Ihr Ihre Man
    Mein Meine Dein Deine Unser Unsere Sein Seine Kein Keine Jeder Jede Jedes Alle Und Oder Aber Denn Doch
    Sondern Wenn Weil Dass Ob Obwohl Während Damit Bevor Nachdem Sobald Als Dann Danach Dazu Da Dabei Dafür
    Daher Darum Deshalb Trotzdem Außerdem Jedoch Also So Nun Jetzt Heute Gestern Hier Dort Auch Noch Nur Schon
    Vielleicht Leider Bitte Ja Nein Gut Okay Wer Was Wo Wie Wann Warum Wieso Welche Welcher Welches In Im
    An Am Auf Aus Bei Beim Mit Nach Von Vom Vor Zu Zum Zur Für Um Über Unter Seit Bis Durch Gegen Ohne Ist
    Sind War Hat Hast Gibt Soll Sollen Kann Kannst Können Möchten Möchtest Willst Wollen Wird Werden
""")
"""Words that begin sentences and are no nouns."""

_NUMBER = re.compile(r"[(\[\"'„“«»‚]*(?:[0-9]+\.?[-–/])?([0-9]+)\.")
_MOST_ORDINAL_DIGITS = 3
_BEHIND_STOP = re.compile(r"(?<=\. )\w+")
_TAIL_CHARS = 40
_OPENING = "\"'([{„“‘«»‹›‚"
_AROUND = _OPENING + ")]}”’.,;:!?…"


def is_number(before: str) -> bool:
    """Whether these words end in digits and a stop."""
    return _NUMBER.fullmatch(_last_word(before)) is not None


def waits(before: str, language: str) -> bool:
    """Whether of a capitalised word behind these the whole is needed; `language` as in `goes_on`."""
    return (not language or language in _ORDINAL_DOT) and is_number(before)


def goes_on(before: str, follower: str, language: str = "") -> bool | None:
    """Whether the sentence goes on behind the full stop that `before` ends in; None: can't be told here.

    `before`: the last three words or more, `follower`: the word after them, or its first letter where
    `waits` doesn't ask for more; `language`: the primary part of a tag, "" where nobody knows it.
    """
    if language == "en" or not before.endswith("."):
        return None
    follower = follower.lstrip(_OPENING)
    if number := _NUMBER.fullmatch(_last_word(before)):
        return _behind_number(number[1], follower, language)
    tails = tuple(_tails(before))
    if language not in _KNOWN:
        return None
    if any(tail in _KNOWN[language] or _begun(tail, follower, language) for tail in tails):
        return True
    if follower[:1].isalpha() and any(tail in _CLOSING[language] for tail in tails):
        return not follower[0].isupper()
    return None


def unparted(text: str, language: str) -> str:
    """`text`, as long, with a small letter behind each stop that ends no sentence.

    For who takes a stop before a capital for the end of one: espeak-ng reads "22. November" as a cardinal
    with a pause behind it, and "22. november" as the ordinal. What is all capitals stays.
    """
    return _BEHIND_STOP.sub(lambda found: _small(found, language), text)


def _small(found: re.Match[str], language: str) -> str:
    word, start = found[0], found.start()
    small = word[0].lower()
    if word[0] == small or len(small) > 1 or (len(word) > 1 and word.isupper()):
        return word
    before = found.string[max(0, start - 1 - _TAIL_CHARS) : start - 1]
    return small + word[1:] if goes_on(before, word, language) else word


def _behind_number(digits: str, follower: str, language: str) -> bool | None:
    if language and language not in _ORDINAL_DOT:
        return None
    word = follower.strip(_AROUND)
    if word.casefold() in _MONTH_NAMES or word[:1].islower():
        return True
    if not language:
        return None
    if not word[:1].isupper():
        return True
    if language != _NOUNS_HAVE_CAPITALS or len(digits) > _MOST_ORDINAL_DIGITS:
        return False
    return word not in _GERMAN_BEGINNINGS


def _begun(tail: str, follower: str, language: str) -> bool:
    """Whether an abbreviation of several words has begun, and this is its next."""
    found = follower.rstrip(",;:)")
    nexts = _NEXT[language].get(tail, ())
    return any(
        word[:1] == found if len(found) == 1 else found in (word, word[:-1]) for word in nexts
    )


def _last_word(text: str) -> str:
    return text.rpartition(" ")[2]


def _tails(text: str) -> Iterator[str]:
    """The last word, the last two and the last three, without spaces."""
    words = [word.lstrip(_OPENING) for word in text[-_TAIL_CHARS:].split()[-3:]]
    if text == words[0]:
        yield text[0].lower() + text[1:]  # "Z. B." begins a sentence
    for count in range(1, len(words) + 1):
        yield "".join(words[-count:])


def _written(phrase: str) -> tuple[str, str]:
    """Without spaces: as in the table, and as it begins a sentence."""
    closed = "".join(phrase.split())
    return closed, closed[0].upper() + closed[1:]


def _all(table: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """With what of all languages tells something where the language isn't known."""
    every = (phrase for phrases in table.values() for phrase in phrases)
    plain = tuple(phrase for phrase in every if _written(phrase)[0] not in _WORDS_ELSEWHERE)
    return {**table, "": plain}


def _nexts(phrases: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """What may come next behind each beginning of an abbreviation of several words."""
    found: dict[str, frozenset[str]] = {}
    for words in map(str.split, phrases):
        for count in range(1, len(words)):
            begun = "".join(words[:count])
            found[begun] = found.get(begun, frozenset()) | {words[count]}
    return found


def _forms(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(form for phrase in phrases for form in _written(phrase))


_BEFORE, _LAST = _all(_GO_ON), _all(_MAY_END)
_KNOWN = {code: _forms(phrases) for code, phrases in _BEFORE.items()}
_CLOSING = {code: _forms(phrases) for code, phrases in _LAST.items()}
_NEXT = {code: _nexts(_BEFORE[code] + _LAST[code]) for code in _BEFORE}
