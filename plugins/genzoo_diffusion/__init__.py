"""Diffusion models: noisers, samplers, and the networks that remove noise."""
