"""Text as a condition, by way of a small table of word vectors or a pretrained encoder."""
