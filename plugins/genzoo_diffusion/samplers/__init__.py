"""Samplers: from noise to data, step by step."""
