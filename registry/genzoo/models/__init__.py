"""Finding, opening, building, saving and checking models."""
