"""Writing a module to a model file and reading it again."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from genzoo_core.cards import ModelCard
from genzoo_core.errors import PluginError
from genzoo_core.zoo import Opened, Zoo


def round_trip(zoo: Zoo, built: Opened) -> Opened:
    """The module as it comes back from a model file, in evaluation mode.

    Raises:
        PluginError: Built for sampling, it has a tensor that it lacks when built for training.
        GenzooError: The file cannot be written or read.
    """
    serving = zoo.build(built.spec, training=False)
    trained = built.own_tensors()
    missing = [name for name in serving.own_tensors() if name not in trained]
    if missing:
        raise PluginError(
            f"what is built for sampling has {missing[0]}, which what is built for training lacks",
            "build in training all that sampling needs",
        )
    tensors = {name: trained[name].contiguous().clone() for name in serving.own_tensors()}
    card = ModelCard("conformance", "conformance", "Written by a check.", kind=built.spec.kind)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conformance.safetensors"
        zoo.save(path, built.spec, tensors, card)
        return zoo.open(str(path))


def own_parameters(built: Opened) -> dict[str, nn.Parameter]:
    """A module's own parameters by name, without those of its parts."""
    shared = {id(p) for part in built.parts.values() for p in part.parameters()}
    return {name: p for name, p in built.module.named_parameters() if id(p) not in shared}
