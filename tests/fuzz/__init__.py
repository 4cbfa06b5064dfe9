"""Fuzzing: functions that take any bytes and find out whether what they drive keeps its rules."""
