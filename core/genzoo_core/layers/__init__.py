"""Building blocks of networks that several families use. Modules here import torch, this not."""
