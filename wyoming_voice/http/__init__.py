"""What every HTTP door shares: its address, keys, limits, errors, health and metrics."""
