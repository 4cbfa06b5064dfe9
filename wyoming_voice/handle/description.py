"""What `describe` tells of the handle server; it is the same before and after the model is known.

Rule: the languages are those of Home Assistant's own interface in their shortest form, which its matching
extends to every region (`de` serves `de-CH`). Whether a model speaks one of them is the model's matter; a
language that is missing here can't be chosen for an assistant in Home Assistant.
"""

from wyoming.info import Attribution, HandleModel, HandleProgram

from wyoming_voice import __version__
from wyoming_voice.handle.settings import NO_LLM, HandleSettings

# fmt: off
LANGUAGES = (
    "af", "ar", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu",
    "fa", "fi", "fr", "fy", "ga", "gl", "gsw", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka",
    "kk", "kn", "ko", "kw", "lb", "lt", "lv", "mk", "ml", "mn", "mr", "ms", "mt", "my", "nb", "ne", "nl",
    "nn", "no", "pa", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sq", "sr", "sr-Latn", "sv", "sw", "ta",
    "te", "th", "tr", "uk", "ur", "uz", "vi", "yue", "zh", "zh-CN", "zh-HK", "zh-TW",
)
# fmt: on

_MADE_BY = {
    "llama-swap": Attribution(name="llama-swap", url="https://github.com/mostlygeek/llama-swap"),
    "local": Attribution(name="wyoming-voice", url="https://github.com/rhasspy/wyoming"),
}


def described(settings: HandleSettings) -> HandleProgram:
    """What `describe` tells; the model's own name may not be known yet, and must not change."""
    if settings.llm_url == NO_LLM:
        program = _program(
            "local", "local", ["en"], "Answers a few questions without a language model"
        )
    else:
        model = settings.llm_model or "default"
        program = _program("llama-swap", model, list(LANGUAGES), "Answers of a language model")
    program.supports_home_control = _acts(settings)
    return program


def _program(name: str, model: str, languages: list[str], description: str) -> HandleProgram:
    return HandleProgram(
        name=name,
        attribution=_MADE_BY[name],
        installed=True,
        description=description,
        version=__version__,
        models=[
            HandleModel(
                name=model,
                attribution=_MADE_BY[name],
                installed=True,
                description=description,
                version=None,
                languages=languages,
            )
        ],
        supports_handled_streaming=True,
        supports_home_control=False,
    )


def _acts(settings: HandleSettings) -> bool:
    """Whether something in the house can be done."""
    return bool(settings.needs_model or (settings.fast_intents and settings.hass_url))
