"""What a model costs: parameters, operations, seconds and memory."""
