"""Building blocks of networks, for plugins of genzoo and of others.

`config` imports no torch: configs of networks. The other modules do: `embedding` (time and
condition as one vector), `mlp` (residual networks on flat data) and `residual` (residual blocks,
group normalisation). The names of their tensors stay as they are: they stand in model files.
"""
