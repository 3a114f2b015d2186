"""A normalising flow for genzoo."""
