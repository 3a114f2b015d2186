"""Installing plugins, removing them, and looking at whether all of it works."""
