"""Names that the recogniser should know: told to it beforehand, and mended in what it heard."""
