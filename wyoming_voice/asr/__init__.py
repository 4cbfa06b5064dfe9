"""The ASR server: audio in, one transcript for an utterance out."""
