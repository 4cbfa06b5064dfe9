"""The languages in which a language model may be asked: a list, since Home Assistant wants one.

Rule: the languages of Home Assistant's own interface in their shortest form, which its matching extends to
every region (`de` serves `de-CH`). Whether a model speaks one of them is the model's matter; a language that
is missing here can't be chosen for an assistant in Home Assistant.
"""

# fmt: off
LANGUAGES = (
    "af", "ar", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "fy", "ga", "gl", "gsw", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka",
    "kk", "kn", "ko", "kw", "lb", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl",
    "nn", "no", "pa", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sq", "sr", "sr-Latn", "sv", "sw", "ta",
    "te", "th", "tr", "uk", "ur", "uz", "vi", "yue", "zh", "zh-CN", "zh-HK", "zh-TW",
)
# fmt: on
