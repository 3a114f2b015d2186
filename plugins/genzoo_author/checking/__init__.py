"""What `genzoo check` examines."""
