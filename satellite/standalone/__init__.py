"""A turn through servers of our own, and what is done when one fails."""
