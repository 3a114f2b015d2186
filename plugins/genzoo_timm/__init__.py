"""Backbones of timm as encoders: trunks of autoencoders and VAEs, nets to measure in."""
