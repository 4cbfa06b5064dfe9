"""Sentences with the names of things and rooms in them, and sentences without, in two halves.

The limits of `asr/names/snapping.py` were chosen by what comes of TUNED; MEASURED was written after that and
tells what they are worth. Names are of products that are sold and of rooms that houses have, some of them
German or Swedish, all in English sentences: what an English recogniser makes of them has to be mended.
"""

from dataclasses import dataclass

CARRIERS = (
    "turn on the {}",
    "turn off the {}",
    "is the {} still on",
    "what is the state of the {}",
    "set the {} to fifty percent",
    "please start the {} now",
)


@dataclass(frozen=True)
class Half:
    """Names, each said in one of the carriers, and sentences in which no name is."""

    names: tuple[str, ...]
    plain: tuple[str, ...]

    def beginning(self, count: int | None) -> "Half":
        """The first names and sentences, so many of each."""
        return Half(self.names[:count], self.plain[:count])

    def said(self) -> list[tuple[str, str]]:
        """Name and sentence, with "" for none."""
        named = [
            (name, CARRIERS[number % len(CARRIERS)].format(name))
            for number, name in enumerate(self.names)
        ]
        return [*named, *(("", sentence) for sentence in self.plain)]


TUNED = Half(
    (
        *("Ecobee", "Hue Play bar", "Sonos Arc", "Zigbee hub", "Shelly plug", "Symfonisk"),
        *("Tradfri", "Dachboden", "Nanoleaf", "Roborock", "Aqara", "Lutron Caseta", "Yeelight"),
        *("Wemo switch", "Netatmo", "Tado", "Ring doorbell", "Eufy", "Roomba", "Dyson fan"),
        *("Govee strip", "Kasa plug", "Meross", "Tapo camera", "Vindriktning", "Fyrtur blind"),
        *("Eve Energy", "Velux window", "Homematic", "Bosch dishwasher", "Miele oven", "Vallhorn"),
        *("Wintergarten", "Waschküche", "Flurlampe", "Conservatory", "Mezzanine", "Scullery"),
        *("Pergola", "Orangery", "Sauna", "Vestibule"),
    ),
    (
        *("turn on the light", "turn off all the lights in the kitchen", "what time is it"),
        *("set a timer for ten minutes", "what is the weather like tomorrow"),
        *(
            "play some music in the living room",
            "stop the music",
            "make it a little warmer in here",
        ),
        *("is the front door locked", "open the garage door", "close the blinds in the bedroom"),
        *("how long until the timer is done", "add milk and eggs to the shopping list"),
        *("remind me to call my mother at noon", "turn the volume down"),
        *("set the temperature to twenty one degrees", "what day is it today"),
        *("who was the first man on the moon", "tell me a story about a bear"),
        *("how many ounces are in a pound", "cancel the timer", "turn on the fan for an hour"),
        *("did anybody leave the window open", "good night", "is it going to rain this afternoon"),
        *("dim the lamp to thirty percent", "lock the back door", "start the dishwasher at nine"),
        *("what is on my calendar for friday", "how do you spell necessary", "turn everything off"),
        *("set an alarm for half past six", "read me the news", "where did I leave my keys"),
        *("how far is the moon from the earth", "make the room blue", "what is seven times eight"),
        *("pause the music for a moment", "thank you that is all"),
        "are the children home from school yet",
    ),
)

MEASURED = Half(
    (
        *("Reolink", "Arlo doorbell", "Nuki lock", "SwitchBot", "Ecovacs", "Sensibo", "Daikin"),
        *(
            "Fronius inverter",
            "Powerwall",
            "Wallbox",
            "Zappi charger",
            "Nest hub",
            "Denon receiver",
        ),
        *("Marantz amplifier", "Yamaha soundbar", "Bluesound", "Chromecast", "Vizio", "Inovelli"),
        *("Aeotec", "Fibaro", "Styrbar", "Rodret", "Parasoll", "Badring", "Somfy awning"),
        *("Honeywell", "Hikvision camera", "Broadlink", "Sonoff relay", "Viessmann", "Vorwerk"),
        *("Kinderzimmer", "Speisekammer", "Gästezimmer", "Solarium", "Veranda", "Cloakroom"),
        *("Larder", "Undercroft", "Atrium", "Boudoir"),
    ),
    (
        *("switch off the television", "what is the temperature outside", "how cold will it get"),
        *("turn the heating up by two degrees", "set the alarm for seven in the morning"),
        *("are the windows in the bathroom closed", "when does the sun go down"),
        *("turn the lamp by the sofa on", "skip this song", "play the radio in the kitchen"),
        *("put bread on the shopping list", "what is the capital of france", "close the gate"),
        *("how many people live in london", "turn off the oven in twenty minutes", "good morning"),
        *("is anybody at the front door", "make the bedroom darker", "open the curtains please"),
        *("tell my wife that dinner is ready", "how much battery is left in the vacuum"),
        *("what did I ask you before", "do I need an umbrella today", "lights out"),
        *("remind me of the meeting on monday", "call the plumber about the leaking tap"),
        *("translate horse into german", "who won the football match last night"),
        *("how tall is the highest mountain", "turn on the coffee machine at half past six"),
        *("stop reading", "say that again", "add two hundred grams of butter to the list"),
        *("what is twelve percent of ninety", "let the dog out in the garden"),
        *("is there any mail for me", "when is the next train to the city"),
        *("leave a light on in the hall", "the baby is asleep so keep it quiet"),
        "find a recipe for apple cake",
    ),
)

HALVES = {"tuned": TUNED, "measured": MEASURED}
