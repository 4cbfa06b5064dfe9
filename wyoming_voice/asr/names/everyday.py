"""Words that mean what they say: a recogniser that writes one of them is not thought to have missed a name.

PURE, by language: what commands are made of, Home Assistant's domains, and the smallest words. Not a
dictionary: words of which nobody would be surprised to hear them said to a house.
"""

from collections.abc import Mapping

_ENGLISH = """
a an the this that these those it its he she they we you i me my mine your his her our their him
them us is are was were be been am im do does did done don't didn't isn't wasn't have has had will
would can can't could should must may might and or but if so not no yes ok okay well just also too
very really only of to in on at for from with without by up down off out over under about into as
than then there here where what who whose which when why how all any some many much more most less
every everything everybody anybody anyone something nothing each both other another zero one two
three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand percent
half quarter past first second third last next turn switch set put make made play stop start run
open close closed shut lock locked unlock dim brighten read tell told say said call called show
cancel pause resume skip add remove clear remind wake let get got give go going gone come leave left
right take know see look hear want need like love please thank thanks good great bad nice new old
big small little long far near hot cold warm warmer cool cooler bright brighter brightness dark
darker loud louder quiet quieter high higher low lower fast slow full empty red orange yellow green
blue purple pink white black grey night morning noon afternoon evening day today tomorrow yesterday
tonight now still yet again back later soon ever never always time week weekend month year hour
hours minute minutes seconds clock date monday tuesday wednesday thursday friday saturday sunday
light lights lamp lamps fan fans plug plugs outlet socket cover covers blind blinds curtain curtains
shade shades shutter shutters window windows door doors garage gate gates heater heating heat
thermostat climate air conditioner humidifier vacuum cleaner mower camera cameras sensor sensors
motion media player speaker speakers tv television radio music song album playlist news story volume
temperature humidity battery energy power water timer timers alarm alarms siren scene scenes script
scripts automation automations list shopping calendar event weather rain snow wind sun sunny moon
degree degrees celsius fahrenheit device devices room rooms area floor stairs kitchen bedroom
bathroom living dining hall hallway office garden house home cellar basement attic balcony terrace
bed table desk wall ceiling man woman people children child kids mother father family friend dog cat
name number word thing things way
"""
_GERMAN = """
der die das den dem des ein eine einen einem einer eines ich du er sie es wir ihr mich dich uns mein
dein sein unser ist sind war waren bin bist hat haben hast wird werden kann kannst soll und oder
aber nicht kein keine ja nein doch auch nur noch schon mal bitte danke von zu zum zur in im an am
auf aus bei mit ohne für um über unter vor nach hier da dort was wer wie wo wann warum welche
welcher alle alles etwas viel mehr eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf
zwanzig dreißig vierzig fünfzig hundert prozent halb schalte schalt mach mache machen stelle stell
starte stoppe spiele öffne schließe dimme lauter leiser heller dunkler wärmer kälter warm kalt rot
grün blau gelb weiß gut guten tag nacht morgen abend heute gestern jetzt uhr zeit stunde stunden
minute minuten sekunden licht lichter lampe lampen ventilator steckdose rollladen rollo jalousie
vorhang fenster tür türen tor garage heizung thermostat sauger kamera sensor fernseher radio musik
lied lautstärke temperatur batterie strom wasser timer wecker szene liste einkaufsliste wetter regen
sonne grad zimmer raum küche schlafzimmer wohnzimmer bad flur büro garten haus keller treppe kind
kinder leute
"""
_FRENCH = """
le la les un une des du de au aux ce cette ces je tu il elle nous vous ils elles me te se mon ton
son ma ta sa est sont était ai as a avons ont et ou mais ne pas non oui si plus moins très dans sur
sous avec sans pour par chez ici là que qui quoi quel quelle où quand comment tout tous toute deux
trois quatre cinq six sept huit neuf dix vingt trente cent allume allumer éteins éteindre mets
mettre règle ouvre ouvrir ferme fermer lance arrête joue monte baisse merci bonjour bonsoir nuit
jour matin soir demain maintenant heure heures minute minutes lumière lumières lampe lampes
ventilateur prise volet volets rideau fenêtre porte garage chauffage radiateur thermostat aspirateur
caméra télé radio musique volume température batterie eau minuteur réveil scène liste courses météo
pluie soleil degrés chambre cuisine salon salle bain bureau jardin maison cave grenier couloir chaud
froid rouge vert bleu blanc
"""
_SPANISH = """
el la los las un una unos unas de del al lo este esta ese esa yo tú él ella me te se mi tu su es son
está están y o pero no sí si más menos muy en con sin por para sobre que qué quién cuál dónde cuándo
cómo todo todos todas dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cien ciento
enciende encender apaga apagar pon poner abre abrir cierra cerrar sube baja reproduce gracias hola
noche día mañana tarde hoy ahora hora horas minuto minutos luz luces lámpara ventilador enchufe
persiana persianas cortina ventana puerta garaje calefacción termostato aspirador cámara tele
televisión radio música volumen temperatura batería agua temporizador alarma escena lista compra
tiempo lluvia sol grados habitación cocina salón dormitorio baño oficina jardín casa sótano pasillo
caliente frío rojo verde azul blanco
"""
_DUTCH = """
de het een dit dat deze die ik jij hij zij we wij je u me mijn jouw zijn haar ons is was ben bent
heb heeft en of maar niet geen ja nee ook nog wel in op aan uit van naar met zonder voor om over
onder bij hier daar wat wie waar wanneer hoe welke alle alles twee drie vier vijf zes zeven acht
negen tien twintig dertig honderd procent doe zet maak speel stop start open sluit dim harder
zachter warmer kouder alsjeblieft dank goed nacht dag morgen avond vandaag nu uur minuut minuten
licht lichten lamp lampen ventilator stekker rolluik gordijn raam deur garage verwarming thermostaat
stofzuiger camera televisie radio muziek volume temperatuur batterij water timer wekker scène lijst
boodschappen weer regen zon graden kamer keuken slaapkamer woonkamer badkamer kantoor tuin huis
kelder zolder gang rood groen blauw wit
"""
_ITALIAN = """
il lo la i gli le un uno una di del della dei al alla da dal nel nella su sul sulla questo questa io
tu lui lei noi mi ti si mio tuo suo è sono era ho hai ha e o ma non no sì più meno molto in con
senza per tra che chi cosa quale dove quando come tutto tutti tutte due tre quattro cinque sei sette
otto nove dieci venti trenta cento accendi accendere spegni spegnere metti imposta apri aprire
chiudi chiudere alza abbassa ferma riproduci grazie ciao notte giorno mattina sera oggi domani
adesso ora ore minuto minuti luce luci lampada ventilatore presa tapparella tenda finestra porta
garage riscaldamento termostato telecamera televisione radio musica volume temperatura batteria
acqua timer sveglia scena lista spesa tempo pioggia sole gradi camera cucina salotto soggiorno bagno
ufficio giardino casa cantina corridoio caldo freddo rosso verde blu bianco
"""

_EDGES = """
a an the this that to of in on at is it and or for with der die das den dem ein eine und im am zu le
la les un une de du et el los las y het een en il lo gli e di
"""

EVERYDAY: Mapping[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, words in (
        *(("en", _ENGLISH), ("de", _GERMAN), ("fr", _FRENCH), ("es", _SPANISH), ("nl", _DUTCH)),
        ("it", _ITALIAN),
    )
}
"""Small letters, as they are spelled. Of other languages none are known, and more has to differ there."""

EDGES = frozenset(_EDGES.split())
"""No name begins or ends by being taken for one of these: what was heard there belongs to the sentence."""
