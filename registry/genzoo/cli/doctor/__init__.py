"""`genzoo doctor`: whether genzoo works here, and what to do where it does not."""
