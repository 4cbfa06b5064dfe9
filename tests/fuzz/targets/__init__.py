"""The targets, in a module for each area; `registry` lists them."""
