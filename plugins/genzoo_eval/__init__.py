"""Measures generative models."""
