"""What `wyoming-voice bench` measures, and how: the same code that `make bench` measures with."""
