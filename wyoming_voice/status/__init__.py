"""`wyoming-voice status`: every server and satellite in reach, how it is, and what went wrong last."""
