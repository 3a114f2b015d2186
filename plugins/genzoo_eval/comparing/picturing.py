"""Pictures for a comparison: made by its models, read from its dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from genzoo_core.conditioner import conditioners_of
from genzoo_core.images import from_uint8, to_uint8
from genzoo_core.model import GenerativeModel
from genzoo_core.request import Request
from genzoo_core.zoo import Opened, Zoo
from genzoo_eval.cache import load_tensors, save_tensors
from genzoo_eval.comparing.choosing import Contender
from genzoo_eval.comparing.comparison import Gallery
from genzoo_eval.datasets import data_recipe, digest_of
from genzoo_eval.feature_nets import FrozenNet, classifier_of
from genzoo_eval.metrics.neighbours import nearest
from genzoo_eval.report_store import METHOD
from genzoo_eval.subjects import reads_words
from genzoo_eval.text.captions import choose, sampled
from genzoo_eval.text.judge import judge_of

SAMPLES, EACH, WALK = 36, 10, 10
"""Pictures without a prompt, of each class and above neighbours, and in a walk."""

CAPTIONS = 5
"""Seen captions that are asked for, and as many held-out ones."""

ENDS = (3, 8)
"""Seeds between which models walk."""


@dataclass(frozen=True)
class RealImages:
    """Real images to show beside generated ones.

    Attributes:
        test: Test images, uint8 `[M, C, H, W]`.
        train: Training images, uint8 `[T, C, H, W]`.
        features: Of the training images in the net's features, `[T, D]`.
        net: The feature net.
        captions: Captions to ask for, each with a real image, uint8 `[C, H, W]`; none where there
            is no net that knows captions.
    """

    test: Tensor
    train: Tensor
    features: Tensor
    net: FrozenNet
    captions: tuple[tuple[str, Tensor], ...] = ()

    @property
    def captioned(self) -> Tensor | None:
        """A real image of each caption, uint8 `[N, C, H, W]`."""
        return torch.stack([image for _, image in self.captions]) if self.captions else None

    @classmethod
    def read(
        cls,
        zoo: Zoo,
        dataset: str,
        folder: Path | None,
        nets: tuple[FrozenNet, ...],
        tell: Callable[[str], None],
    ) -> RealImages:
        """Read them, and look at the training images with the classifier, or else the first net.

        What it sees is kept in the user's cache.

        Raises:
            DataError: They cannot be read.
        """
        tell(f"reading the images of {dataset}")
        test, train = (
            zoo.dataset(data_recipe(zoo, dataset, split), folder) for split in ("test", "train")
        )
        judge = judge_of(nets)
        captions = () if judge is None else sampled(choose(test, train, judge.column), CAPTIONS)
        net = classifier_of(nets) or nets[0]
        key = repr(("neighbours", METHOD, digest_of(train.images), net.sha256))
        name, cache = hashlib.sha256(key.encode()).hexdigest()[:32], zoo.cache("eval")
        tensors = load_tensors(cache, name)
        if tensors is None:
            tell(f"looking at the training images with {net.name}")
            tensors = {"train": net.features(train.images)}
            save_tensors(cache, name, tensors)
        return cls(test.images, train.images, tensors["train"], net, captions)

    def neighbours(self, images: Tensor) -> Tensor:
        """The nearest training image of each, uint8 `[N, C, H, W]`."""
        return self.train[nearest(self.net.features(images), self.features).index]


def picture(zoo: Zoo, contender: Contender, real: RealImages | None) -> Gallery:
    """What a model makes, from seed 0 on.

    Args:
        zoo: Runs it.
        contender: The model, at its settings.
        real: Needed for reconstructions and neighbours; None leaves them out.

    Raises:
        GenzooError: It makes no pictures.
    """
    built = zoo.open(contender.reference)
    samples = _made(zoo, contender, (), SAMPLES)
    originals = None if real is None else real.test[:EACH]
    copies = None if originals is None else _copies(built, originals)
    names = class_names(built)
    asked = tuple(map(str, range(len(names))))
    if real is not None and reads_words(conditioners_of(built.module)):
        names = asked = tuple(caption for caption, _ in real.captions)
    rows = [_made(zoo, contender, (prompt,), EACH) for prompt in asked]
    options = dict(contender.settings)
    walk = zoo.generate(Request(contender.reference, n=WALK, interpolate=ENDS, options=options))
    return Gallery(
        samples=samples,
        classes=tuple(zip(names, rows, strict=True)),
        originals=None if copies is None else originals,
        copies=copies,
        walk=to_uint8(walk.images),
        neighbours=None if real is None else real.neighbours(samples[:EACH]),
    )


def class_names(built: Opened) -> tuple[str, ...]:
    """Names of the classes that a model can be asked for; none where it reads no class."""
    for name, conditioner in conditioners_of(built.module).items():
        if conditioner.categories is None:
            break
        names = built.spec.conditioners[name].config.get("classes") or ()
        given = tuple(map(str, names))
        count = conditioner.categories
        return given if len(given) == count else tuple(map(str, range(count)))
    return ()


def _made(zoo: Zoo, contender: Contender, prompts: tuple[str, ...], n: int) -> Tensor:
    options = dict(contender.settings)
    made = zoo.generate(Request(contender.reference, prompts, n=n, seed=0, options=options))
    return to_uint8(made.images)


@torch.inference_mode()
def _copies(built: Opened, originals: Tensor) -> Tensor | None:
    module = built.module
    if not isinstance(module, GenerativeModel) or module.codec is None:
        return None
    model: GenerativeModel[msgspec.Struct] = module
    assert model.codec is not None
    condition = model.condition({}, len(originals))
    return to_uint8(model.codec.reconstruct(from_uint8(originals), condition))
