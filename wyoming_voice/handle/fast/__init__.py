"""Simple commands, understood and done without a language model."""
