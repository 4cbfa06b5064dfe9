"""Measurements of the servers, and the models that they need. Not part of the package."""
