"""A plugin whose model shows the pictures that it was given, and the nets that judge it."""
