"""Finding out what is installed, and calling it guarded."""
