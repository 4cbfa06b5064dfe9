"""Whisper through faster-whisper and CTranslate2."""
