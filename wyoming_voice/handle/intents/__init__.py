"""Answers that Home Assistant carries out itself."""
