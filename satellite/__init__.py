"""The side of the conversation with the microphone and the loudspeaker."""
