"""Compares models side by side: gathers their reports and pictures, and draws them."""
