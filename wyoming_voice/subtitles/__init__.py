"""Subtitles of films and recordings, made on this machine."""
