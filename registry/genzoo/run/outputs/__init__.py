"""Where pictures go: one module per format, and the choice among them."""
