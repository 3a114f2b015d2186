"""Measures and compares generative models."""
