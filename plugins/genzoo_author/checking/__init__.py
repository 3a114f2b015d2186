"""What `genzoo check` looks at, and how it shows what it found."""
