"""Compares generative models: a table, a page, a picture."""
