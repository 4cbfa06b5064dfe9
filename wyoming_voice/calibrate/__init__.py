"""`wyoming-voice calibrate asr`: how short an audio context this model bears, measured and written down."""
