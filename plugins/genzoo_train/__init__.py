"""`genzoo train`: from a recipe to a weights file, for every model that is a `Trainable`."""
