"""What the server tells about itself in `info`: names, makers and versions of the engines."""

from dataclasses import dataclass
from importlib import metadata

from wyoming.info import Attribution


@dataclass(frozen=True)
class About:
    """An engine's package and makers; `package` is the program's name and part of Home Assistant's ids."""

    package: str
    title: str
    program: Attribution
    models: Attribution
    prefers_noise_reduction: bool
    many_languages: str
    """The options that start a server which knows more than one language."""

    @property
    def version(self) -> str | None:
        """The version of the package, None where it isn't installed."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None


WHISPER = About(
    package="faster-whisper",
    title="Whisper",
    program=Attribution(name="SYSTRAN", url="https://github.com/SYSTRAN/faster-whisper"),
    models=Attribution(name="OpenAI", url="https://github.com/openai/whisper"),
    # Whisper was trained on noise, and hears worse what a noise reduction leaves of speech.
    prefers_noise_reduction=False,
    many_languages="--model base",
)
POCKETSPHINX = About(
    package="pocketsphinx",
    title="PocketSphinx",
    program=Attribution(name="CMU Sphinx", url="https://github.com/cmusphinx/pocketsphinx"),
    models=Attribution(name="CMU Sphinx", url="https://github.com/cmusphinx/pocketsphinx"),
    prefers_noise_reduction=True,
    many_languages="--engine whisper --model base",
)
