"""PURE: the languages in which our programs say something of their own accord."""

LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "sv", "zh")
"""The first serves whoever speaks none of them."""


def own_language(tag: str) -> str:
    """Which of them serves whoever speaks `tag` (BCP-47, "": not known), by its primary part."""
    code = primary(tag)
    return code if code in LANGUAGES else LANGUAGES[0]


def primary(tag: str) -> str:
    """The language of a tag, without the country: `de` of `de-AT` and `de_AT`."""
    return tag.replace("_", "-").partition("-")[0].lower()
