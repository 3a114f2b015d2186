"""The metrics: pure functions of features and images, without models and without files."""
