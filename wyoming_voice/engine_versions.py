"""Which engines are installed here, and in which versions.

Rule: nothing is imported for it; a package says its version in its metadata.
"""

from importlib import metadata

_PACKAGES = {
    "faster-whisper": "faster-whisper",
    "ctranslate2": "ctranslate2",
    "pocketsphinx": "pocketsphinx",
    "kokoro": "kokoro",
    "torch": "torch",
    "espeakng-loader": "espeakng-loader",
    "onnxruntime": "onnxruntime",
    "wyoming": "wyoming",
}
"""What people know an engine by, and the package that brings it."""


def installed() -> dict[str, str]:
    """The version of each engine that is installed, by its name."""
    found = {name: _version(package) for name, package in _PACKAGES.items()}
    return {name: version for name, version in found.items() if version}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
