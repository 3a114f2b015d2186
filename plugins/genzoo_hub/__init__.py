"""Weights from the Hugging Face Hub, and to it."""
