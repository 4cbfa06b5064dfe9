"""What is wrong, and what to do: `wyoming-voice satellite doctor`."""
