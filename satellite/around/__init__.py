"""Buttons, lights, hooks, timers and metrics."""
