"""Audio in whatever file it comes, and in whatever file it is wanted: the one importer of PyAV."""
