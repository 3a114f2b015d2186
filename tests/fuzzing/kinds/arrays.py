"""Arrays that a user has measured: read, and then refused as too few, or refused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from fuzzing.binaries import ARRAY_TYPES, changed_archive, npy, npy_header
from fuzzing.judging import RefusedError, command
from fuzzing.mutations import EDGES, changed_bytes

PIXELS = bytes(range(256)) * 28


def prepare() -> Callable[[Random], None]:
    Path("data").mkdir()
    with suppress(RefusedError):  # the first imports what measures
        command("eval", "x.npz", "--reference", "mnist", "--data", "data")

    def example(chance: Random) -> None:
        suffix = chance.choice(["npz"] * 20 + ["npy", "png"])
        Path(f"x.{suffix}").write_bytes(mutated(chance))
        # It has fewer pictures than an evaluation takes: reading is all that there is to do.
        command("eval", f"x.{suffix}", "--reference", "mnist", "--data", "data", "-n", "50")

    return example


def mutated(chance: Random) -> bytes:
    """An archive with `images` and `labels` of all shapes, types and conditions."""
    n = chance.choice([0, 1, 3, 3, 3])
    shape = chance.choice([(n, 28, 28, 1), (n, 28, 28, 1), (n, 28, 28), (n, 1, 28, 28), (n, 784)])
    images = npy("|u1", shape, PIXELS[: n * 784])
    labels = npy("<i8", (n,), bytes(8 * n))
    if chance.random() < 0.6:
        kind = chance.choice(ARRAY_TYPES)
        other = tuple(
            chance.choice([0, 1, 2, 3, 28, -1, *EDGES]) for _ in range(chance.randrange(5))
        )
        shape = chance.choice([other, (n,), (3, 28, 28, 1)])
        data = PIXELS[: chance.choice([0, 8, 24, len(PIXELS)])]
        fortran = chance.choice(["False", "False", "True", "1", "None", "'x'"])
        version = chance.choice([(1, 0), (1, 0), (2, 0), (3, 0), (9, 9), (1, 1)])
        changed = npy_header(kind, repr(shape), fortran, version) + data
        if chance.random() < 0.5:
            images = changed
        else:
            labels = changed
    members = {"images.npy": images, "labels.npy": labels}
    if chance.random() < 0.2:
        name = chance.choice(list(members))
        members[name] = changed_bytes(chance, members[name])
    if chance.random() < 0.1:
        del members[chance.choice(list(members))]
    if chance.random() < 0.05:
        members[chance.choice(["images", "record.npy", "../x.npy", "images.npy/x"])] = b"x"
    return changed_archive(chance, members)
