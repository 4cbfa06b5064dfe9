"""Words and phrases after which more is to be expected, and short ones after which it isn't, by language.

Rule: modest lists of what is beyond doubt. What can end a sentence as well (`turn it on`, `mach das Licht
an`) is in none of them. English, German, French, Spanish, Italian and Dutch; words as
`completeness.words_of` gives them: lower case, no marks but those within a word.
"""

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class OpenWords:
    """What tells in one language whether a sentence is over.

    `always`: nothing ends in these; `unless_asked`: a question may (`where are you from`); `numbers`: the
    words of numbers; `before_number`: words after which a number at the end wants its unit; `units`: what
    completes it; `verbs` and `ends`: what a command begins with, and is complete with; `unfinished`:
    utterances that are beginnings, those of several words also behind others; `whole`: utterances that are
    complete.
    """

    always: frozenset[str]
    unless_asked: frozenset[str]
    numbers: frozenset[str]
    before_number: frozenset[str]
    units: frozenset[str]
    verbs: frozenset[str]
    ends: frozenset[str]
    unfinished: frozenset[str]
    whole: frozenset[str]

    @cached_property
    def beginnings(self) -> tuple[str, ...]:
        """What of `unfinished` may stand behind other words, as an end of the text."""
        return tuple(f" {phrase}" for phrase in self.unfinished if " " in phrase)

    @cached_property
    def all(self) -> frozenset[str]:
        """Every word here: what the language is told by, where nobody says which it is."""
        phrases = (word for phrase in self.unfinished | self.whole for word in phrase.split())
        listed = (self.always, self.unless_asked, self.numbers, self.units, self.verbs, self.ends)
        return frozenset(phrases).union(*listed)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(text: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in text.split("|"))


FILLERS = _words("""
    uh uhh um umm uhm er erm em hm hmm mm mhm äh ähm öh öhm hmpf euh heu eh ehm este eeh ehh ahm
""")
"""What people say while they think, in all of these languages."""

_ENGLISH = OpenWords(
    always=_words("""
        the a an my your our their its this's every and or but because if unless although while
        whereas than i'm i'd i'll i've you're we're they're he's she's let's very really going
    """),
    unless_asked=_words("""
        to of for from with at by into onto about between during without until till near under over
        behind above below beside against toward towards through in as i we he she they can could
        would should will shall might may must does did whose which
    """),
    numbers=_words("""
        zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
        hundred thousand million half quarter point
    """),
    before_number=_words("for in after about another of"),
    units=_words("""
        second seconds minute minutes hour hours day days week weeks month months year years percent
        degrees o'clock am pm
    """),
    verbs=_words("turn switch put dim open close"),
    ends=_words("""
        light lights lamp lamps fan heater heating radio television tv door window blinds curtains music on
        off up down
    """),
    unfinished=_phrases("""
        turn | turn on | turn off | turn up | turn down | switch | switch on | switch off | set | put
        | put on | play | add | remind | remind me | tell | tell me | show | show me | call | ask | open
        | close | make | start | start a | set a timer | set a timer for | set an alarm | set the alarm
        | set a reminder | start a timer | can you | could you | would you | will you | please
        | i want | i need | i would like | i'd like | i want you | what | what is | what's | what are
        | what time | what about | how | how much | how many | how long | how is | who | who is
        | where | where is | when | when is | why | is | are | do | do you | does | hey | okay so | so
        | well
    """),
    whole=_phrases("""
        yes | no | yeah | nope | yes please | no thanks | no thank you | thanks | thank you | okay | ok
        | stop | cancel | never mind | be quiet | pause | resume | continue | next | louder | quieter
        | what time is it | what's the time | what is the time | what's the weather
        | what is the weather | what's the weather like | good morning | good night | lights on
        | lights off | turn it on | turn it off | turn it up | turn it down | volume up | volume down
    """),
)

_GERMAN = OpenWords(
    always=_words("""
        der die das dem den des ein eine einen einem einer eines mein meine meinen meinem meiner dein
        deine deinen und oder aber weil dass wenn ob obwohl sondern denn im am zum zur beim vom ins ans
        sehr kein keine keinen jede jeden jedes jeder
    """),
    unless_asked=_words("""
        in für von bei nach seit mit ohne durch gegen bis über unter hinter neben zwischen wegen ich wir
        kann kannst könntest würde würdest soll sollst muss möchte will als wie
    """),
    numbers=_words("""
        null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn
        sechzehn siebzehn achtzehn neunzehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig
        neunzig hundert tausend
    """),
    before_number=_words("für in auf nach um noch"),
    units=_words("""
        sekunde sekunden minute minuten stunde stunden tag tage tagen woche wochen monat monate jahr
        jahre prozent grad uhr
    """),
    verbs=_words("mach mache schalte schalt stell stelle dreh drehe öffne schließe"),
    ends=_words("""
        licht lichter lampe lampen ventilator heizung radio fernseher tür fenster rollladen musik an aus
        ein auf zu ab
    """),
    unfinished=_phrases("""
        mach | mache | mach mal | schalte | schalt | stell | stelle | stelle einen timer
        | stell einen timer | stelle einen wecker | stell einen wecker | erinnere mich | sag | sag mir
        | zeig mir | spiel | spiele | kannst du | könntest du | würdest du | ich möchte | ich will
        | was ist | wie ist | wie viel | wie viele | wie lange | wo ist | wer ist | wann ist | bitte
    """),
    whole=_phrases("""
        ja | nein | ja bitte | nein danke | danke | okay | stopp | stop | abbrechen | weiter | lauter
        | leiser | pause | wie spät ist es | wie viel uhr ist es | wie wird das wetter
        | wie ist das wetter | licht an | licht aus | guten morgen | gute nacht
    """),
)

_FRENCH = OpenWords(
    always=_words("""
        le la les l' un une des du de d' au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur
        leurs et ou mais parce si car ce cet cette ces chaque très je j' que qu' dont
    """),
    unless_asked=_words("""
        à en dans pour par avec sans sur sous chez vers entre depuis pendant jusqu'à peux pouvez
        pourrais pourriez veux voudrais dois tu nous ils elles
    """),
    numbers=_words("""
        zéro deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt
        trente quarante cinquante soixante cent mille
    """),
    before_number=_words("de pour dans à pendant"),
    units=_words("""
        seconde secondes minute minutes heure heures jour jours semaine semaines mois an ans degrés
        pourcent
    """),
    verbs=_words("allume éteins mets ouvre ferme baisse monte"),
    ends=_words("""
        lumière lumières lampe lampes ventilateur chauffage radio télé télévision porte fenêtre volets musique
    """),
    unfinished=_phrases("""
        allume | éteins | mets | mets un minuteur | mets une alarme | règle | rappelle-moi | dis-moi
        | montre-moi | joue | ouvre | ferme | peux-tu | est-ce que | je veux | je voudrais | quel | quelle
        | quel est | quelle est | combien | combien de | comment | où est | qui est | s'il te plaît
    """),
    whole=_phrases("""
        oui | non | merci | oui merci | non merci | d'accord | stop | arrête | annule | continue | pause
        | plus fort | moins fort | quelle heure est-il | il est quelle heure | quel temps fait-il
        | bonjour | bonne nuit
    """),
)

_SPANISH = OpenWords(
    always=_words("""
        el los las un unos unas del al mi mis tu tus su sus nuestro nuestra y e o u pero porque si que
        cada muy este esta
    """),
    unless_asked=_words("""
        a de en con sin por para sobre entre desde hasta hacia durante puedes podrías quiero quisiera
        debo yo la
    """),
    numbers=_words("""
        cero dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte
        treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento mil
    """),
    before_number=_words("de para en por dentro"),
    units=_words("""
        segundo segundos minuto minutos hora horas día días semana semanas mes meses año años grados
    """),
    verbs=_words("enciende apaga pon abre cierra baja sube"),
    ends=_words("""
        luz luces lámpara lámparas ventilador calefacción radio tele televisión puerta ventana persianas
        música
    """),
    unfinished=_phrases("""
        enciende | apaga | pon | pon un temporizador | pon una alarma | recuérdame | dime | muéstrame
        | abre | cierra | puedes | me puedes | quiero | quisiera | qué | qué es | cuál es | cómo | cuánto
        | cuántos | dónde está | quién es | por favor
    """),
    whole=_phrases("""
        sí | no | gracias | sí por favor | no gracias | vale | para | basta | cancela | continúa | sigue
        | pausa | más alto | más bajo | qué hora es | qué tiempo hace | buenos días | buenas noches
    """),
)

_ITALIAN = OpenWords(
    always=_words("""
        il lo gli i un uno una l' un' del dello della dei degli delle dell' al allo alla ai agli alle
        all' dal dalla nel nello nella nei nelle nell' sul sulla mio mia tuo tua suo e ed o ma perché se
        che ogni molto
    """),
    unless_asked=_words("""
        a ad di da in con su per tra fra senza sopra sotto dentro verso puoi potresti vorrei voglio devo
        la le
    """),
    numbers=_words("""
        zero due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici
        sedici diciassette diciotto diciannove venti trenta quaranta cinquanta sessanta settanta ottanta
        novanta cento mille
    """),
    before_number=_words("di per tra fra in da"),
    units=_words("""
        secondo secondi minuto minuti ora ore giorno giorni settimana settimane mese mesi anno anni gradi
    """),
    verbs=_words("accendi spegni metti apri chiudi abbassa alza"),
    ends=_words("""
        luce luci lampada lampade ventilatore riscaldamento radio tele televisione porta finestra tapparelle
        musica
    """),
    unfinished=_phrases("""
        accendi | spegni | metti | imposta | imposta un timer | imposta una sveglia | ricordami | dimmi
        | mostrami | apri | chiudi | puoi | mi puoi | vorrei | voglio | che cosa | cos'è | qual è | come
        | quanto | quanti | dov'è | chi è | per favore
    """),
    whole=_phrases("""
        sì | no | grazie | sì grazie | no grazie | va bene | ferma | basta | annulla | continua | pausa
        | più forte | più piano | che ore sono | che ora è | che tempo fa | buongiorno | buonanotte
    """),
)

_DUTCH = OpenWords(
    always=_words("""
        de het een mijn jouw zijn haar ons onze en of maar omdat als dat terwijl elke elk heel geen ik
        m'n 't 'n
    """),
    unless_asked=_words("""
        van voor met zonder naar bij tot door over onder tussen tijdens sinds in te kan kun kunt zou wil
        moet wij we dan
    """),
    numbers=_words("""
        nul twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien
        zeventien achttien negentien twintig dertig veertig vijftig zestig zeventig tachtig negentig
        honderd duizend
    """),
    before_number=_words("voor van over op om in nog"),
    units=_words("""
        seconde seconden minuut minuten uur uren dag dagen week weken maand maanden jaar procent graden
    """),
    verbs=_words("doe zet schakel draai open sluit"),
    ends=_words("""
        licht lichten lamp lampen ventilator verwarming radio televisie tv deur raam gordijnen muziek aan uit
        open dicht
    """),
    unfinished=_phrases("""
        doe | zet | zet een timer | zet een wekker | herinner me | vertel me | laat zien | speel | open
        | kun je | kan je | zou je | ik wil | ik wil graag | wat is | hoe | hoeveel | hoe lang | waar is
        | wie is | wanneer is | alsjeblieft
    """),
    whole=_phrases("""
        ja | nee | ja graag | nee bedankt | bedankt | dank je | oké | stop | annuleer | ga door | pauze
        | harder | zachter | hoe laat is het | wat voor weer wordt het | goedemorgen | welterusten
        | licht aan | licht uit
    """),
)

BY_LANGUAGE = {
    "en": _ENGLISH,
    "de": _GERMAN,
    "fr": _FRENCH,
    "es": _SPANISH,
    "it": _ITALIAN,
    "nl": _DUTCH,
}
