"""Datasets: what is in a folder of pictures, and what can be learnt from it."""
