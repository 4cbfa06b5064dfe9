"""What Home Assistant knows of the house: names, rooms, units, and its own understanding of commands."""
