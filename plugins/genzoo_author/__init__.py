"""What helps to write a plugin: a template, and checks."""
