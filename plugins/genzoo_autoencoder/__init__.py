"""Autoencoders, and the densities that make them generative."""
