"""The frozen feature nets in which pictures are compared. No model is trained or chosen by them."""
