"""Files of others, read without trusting them, and our own, written whole or not at all."""
