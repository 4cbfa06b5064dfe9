"""A local voice stack on the Wyoming protocol: ASR, TTS and LLM handler servers."""

__version__ = "0.1.0"
