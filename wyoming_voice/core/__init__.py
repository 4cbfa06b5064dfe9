"""Pure cores: no clock, no tasks, no threads, no logging; what happens next follows from what came in."""
