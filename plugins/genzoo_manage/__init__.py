"""Installing plugins, removing them, and installing the same again in a new environment."""
