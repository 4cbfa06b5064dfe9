"""The Wyoming satellite that Home Assistant connects to."""
