"""The model file: one safetensors file that says what it holds."""
