"""The pages of the documentation that are made when its site is built."""
