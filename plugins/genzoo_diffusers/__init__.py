"""Checkpoints of `diffusers`, run by `diffusers` itself."""
