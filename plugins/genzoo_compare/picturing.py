"""Pictures for a comparison: made by its models, read from its dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genzoo_compare.choosing import Contender
from genzoo_compare.comparison import Gallery
from genzoo_core.conditioner import conditioners_of
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.model import GenerativeModel
from genzoo_core.request import Request
from genzoo_core.zoo import Opened, Zoo
from genzoo_eval.api import (
    FrozenNet,
    Measured,
    cached_features,
    classifier_of,
    dataset_name,
    example_captions,
    nearest,
    read_split,
    reads_words,
)

SAMPLES, EACH, WALK = 36, 10, 10
"""Pictures without a prompt, of each prompt and above neighbours, and in a walk."""

CAPTIONS = 5
"""Prompts that are captions of training images, and as many that are of none."""

ENDS = (3, 8)
"""Seeds between which models walk."""


@dataclass(frozen=True)
class RealImages:
    """Real images to show beside generated ones.

    Attributes:
        test: Test images, uint8 `[M, C, H, W]`.
        train: Training images, uint8 `[T, C, H, W]`.
        features: Of the training images in the net's features, `[T, D]`.
        captions: Captions to use as prompts, each with a real image, uint8 `[C, H, W]`; none where
            no net reads captions.
    """

    test: Tensor
    train: Tensor
    features: Tensor
    net: FrozenNet
    captions: tuple[tuple[str, Tensor], ...] = ()

    @property
    def spread(self) -> Tensor:
        """Test images for the page, spread over all, uint8 `[N, C, H, W]`."""
        n = len(self.test)
        return self.test[torch.arange(min(n, SAMPLES)) * max(1, n // SAMPLES)]

    @property
    def captioned(self) -> Tensor | None:
        """A real image of each caption, uint8 `[N, C, H, W]`."""
        return torch.stack([image for _, image in self.captions]) if self.captions else None

    @classmethod
    def read(
        cls,
        zoo: Zoo,
        dataset: Measured,
        folder: Path | None,
        nets: tuple[FrozenNet, ...],
        tell: Callable[[str], None],
    ) -> RealImages:
        """Read them, and look at the training images with the classifier, or else the first net.

        Raises:
            DataError: They cannot be read.
        """
        tell(f"reading the images of {dataset_name(dataset)}")
        test, train = (read_split(zoo, dataset, split, folder) for split in ("test", "train"))
        captions = example_captions(nets, test, train, CAPTIONS)
        net = classifier_of(nets) or nets[0]
        features = cached_features(zoo, net, train.images, tell)
        return cls(test.images, train.images, features, net, captions)

    def neighbours(self, images: Tensor) -> Tensor:
        """The nearest training image of each, uint8 `[N, C, H, W]`."""
        return self.train[nearest(self.net.features(images), self.features).index]


def picture(zoo: Zoo, contender: Contender, real: RealImages | None) -> Gallery:
    """Pictures of a model, from seed 0 on.

    Args:
        real: Needed for reconstructions and neighbours; None leaves them out.

    Raises:
        GenzooError: It makes no pictures.
    """

    def made(n: int, *prompts: str, **fields: Any) -> Tensor:
        options = dict(contender.settings)
        request = Request(contender.reference, prompts, n=n, options=options, **fields)
        return to_uint8(zoo.generate(request).images)

    opened = zoo.open(contender.reference)
    samples = made(SAMPLES, seed=0)
    copies = None if real is None else _copies(opened, real.test[:EACH])
    names = class_names(opened)
    prompts = tuple(map(str, range(len(names))))
    if real is not None and reads_words(conditioners_of(opened.module)):
        names = prompts = tuple(caption for caption, _ in real.captions)
    return Gallery(
        samples=samples,
        prompted=tuple((n, made(EACH, p, seed=0)) for n, p in zip(names, prompts, strict=True)),
        originals=None if real is None or copies is None else real.test[:EACH],
        copies=copies,
        walk=made(WALK, interpolate=ENDS),
        neighbours=None if real is None else real.neighbours(samples[:EACH]),
    )


def class_names(opened: Opened) -> tuple[str, ...]:
    """Names of the classes that are a model's prompts; none where it reads no class."""
    first = next(iter(conditioners_of(opened.module).items()), None)
    if first is None or first[1].categories is None:
        return ()
    name, count = first[0], first[1].categories
    names = tuple(map(str, opened.spec.conditioners[name].config.get("classes") or ()))
    return names if len(names) == count else tuple(map(str, range(count)))


@torch.inference_mode()
def _copies(opened: Opened, originals: Tensor) -> Tensor | None:
    model: object = opened.module
    if not isinstance(model, GenerativeModel) or model.codec is None:
        return None
    condition = model.condition({}, len(originals))
    return to_uint8(model.codec.reconstruct(from_uint8(originals), condition))
