"""Noisers: how a diffusion model's data is mixed with noise."""
