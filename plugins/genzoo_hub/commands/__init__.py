"""The commands: `genzoo pull`, `push`, `search` and `cache`."""
