"""`wyoming-voice say`: text in, audio files and their subtitles out."""
