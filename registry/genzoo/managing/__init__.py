"""`genzoo install`, `uninstall` and `plugins restore`, and what they remember."""
