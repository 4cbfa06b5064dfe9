"""The language model: asked over HTTP, and what it says read as it comes."""
