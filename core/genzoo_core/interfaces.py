"""The kinds of components, and their classes."""

from __future__ import annotations

from genzoo_core.conditioner import Conditioner
from genzoo_core.density import Density
from genzoo_core.encoder import Codec, Encoder
from genzoo_core.model import GenerativeModel
from genzoo_core.noiser import Noiser
from genzoo_core.sampler import Sampler

INTERFACES: dict[str, type] = {
    "model": GenerativeModel,
    "codec": Codec,
    "encoder": Encoder,
    "conditioner": Conditioner,
    "noiser": Noiser,
    "sampler": Sampler,
    "density": Density,
}
"""The class that a component of a kind extends."""

MODULE_KINDS = ("model", "codec", "encoder", "conditioner")
"""Kinds that have weights, so that a model file can hold one."""
