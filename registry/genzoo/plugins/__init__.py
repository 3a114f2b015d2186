"""How what is installed is known, and called so that its faults stay its own."""
