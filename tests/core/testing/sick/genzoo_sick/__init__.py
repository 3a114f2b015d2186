"""Components that break one rule each."""
