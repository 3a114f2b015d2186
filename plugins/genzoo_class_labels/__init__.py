"""Class labels as conditions."""
