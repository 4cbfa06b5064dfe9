"""The TTS server: text in, speech out, sentence by sentence."""
