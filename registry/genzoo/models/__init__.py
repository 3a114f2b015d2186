"""Building, loading, saving and describing models."""
