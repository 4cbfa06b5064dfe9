"""From the microphone to frames with what the detectors think of them."""
