"""The conversation for web pages: a satellite whose microphone and loudspeaker are a browser's."""
