"""Pictures and latents, each with the record that makes them again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genzoo_core.errors import UsageError

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from PIL.Image import Image
    from torch import Tensor

    from genzoo_core.encoder import Posterior
    from genzoo_core.request import Record
    from genzoo_core.zoo import Zoo


class _Result:
    """What pictures and latents have in common: the registry that made them writes them."""

    zoo: Zoo | None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"zoo": None}  # another process has another one

    def _writer(self) -> Zoo:
        if self.zoo is None:
            kind = type(self).__name__
            hint = "write them with `genzoo.open_zoo().write`"
            raise UsageError(f"these {kind} come from no registry", hint)
        return self.zoo


@dataclass(frozen=True, eq=False, repr=False)
class Pictures(_Result):
    """The result of a run.

    A notebook shows them as `genzoo run` writes them to a PNG, the record inside.

    Attributes:
        images: float32 `[N, C, H, W]` in [-1, 1], on the CPU.
        record: How they were made.
        seeds: Seed of each picture; empty where no chance was involved.
        frames: Intermediate pictures, each `[N, C, H, W]`, where the caller wants them.
        columns: Pictures in a row when they are laid out as a grid, or None.
        inputs: For reconstructions, the input pictures as the model saw them, like `images`; drawn
            above the reconstructions.
        zoo: The registry that made them, which writes them; None where something else did, and
            after pickling.
    """

    images: Tensor
    record: Record
    seeds: tuple[int, ...] = ()
    frames: tuple[Tensor, ...] = ()
    columns: int | None = None
    inputs: Tensor | None = None
    zoo: Zoo | None = None

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.images)

    def __repr__(self) -> str:
        sides = "×".join(map(str, self.images.shape[1:]))
        kind = "picture" if len(self) == 1 else "pictures"
        return f"<{len(self)} {kind} of {sides} by {self.record.model}{self._shown_seeds()}>"

    def _shown_seeds(self) -> str:
        if not self.seeds:
            return ""
        first, last = self.seeds[0], self.seeds[-1]
        if first == last:
            return f", seed {first}"
        between = "to" if last - first + 1 == len(self.seeds) else "…"
        return f", seeds {first} {between} {last}"

    def save(self, path: str | PathLike[str], *, force: bool = False) -> Path:
        """Write them as `genzoo run -o PATH` does, with the record that makes them again.

        A file of that name is replaced, as Python's libraries do; a folder must be new or empty.

        Args:
            path: A file, whose suffix says the format: a grid (".png"), the way from noise
                (".gif", which needs `frames`, or a walk), arrays (".npz", ".safetensors"), or what
                a plugin writes. Without a suffix, a folder with a PNG for each picture.
            force: Write into a folder that holds something.

        Returns:
            The file or the folder.

        Raises:
            UsageError: Unknown suffix, a folder that is not empty, or nothing to animate.
            GenzooError: It cannot be written.

        Example:
            >>> pictures = genzoo.generate("vae-mnist", "7", n=16, seed=0)
            >>> pictures.save("sevens.png")
            PosixPath('sevens.png')
        """
        return self._writer().write(path, self, force=force)

    def pil(self) -> list[Image]:
        """Each picture as a `PIL.Image.Image`, in mode L or RGB, without the record.

        Raises:
            UsageError: They have another number of channels than 1 or 3.
        """
        from genzoo_core.images import to_pil

        if (channels := self.images.shape[1]) not in (1, 3):
            raise UsageError(f"pictures of {channels} channels are no pictures to PIL")
        return [to_pil(image) for image in self.images]

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows; None for more than it should draw."""
        count, channels, height, width = self.images.shape
        if self.zoo is None or channels not in (1, 3) or count * height * width > MOST_SHOWN:
            return None
        return self.zoo.grid_png(self)


MOST_SHOWN = 2**24
"""Most pixels that a notebook draws: 16 pictures of 1024×1024."""


@dataclass(frozen=True, eq=False, repr=False)
class Latents(_Result):
    """The latents of input pictures: the result of `genzoo encode`.

    Attributes:
        posterior: What each input is in latent space: `mean` is `[N, …]` as the model's codec has
            it, `std` alike, or None where the latents are points.
        record: How they were made.
        zoo: As for `Pictures`.
    """

    posterior: Posterior
    record: Record
    zoo: Zoo | None = None

    def __len__(self) -> int:
        """Of how many pictures they are."""
        return len(self.posterior.mean)

    def __repr__(self) -> str:
        sides = "×".join(map(str, self.posterior.mean.shape[1:]))
        kind = "latent" if len(self) == 1 else "latents"
        return f"<{len(self)} {kind} of {sides} by {self.record.model}>"

    def save(self, path: str | PathLike[str]) -> Path:
        """Write them as `genzoo encode -o PATH` does; `latents=PATH` of `generate` decodes them.

        Args:
            path: A file, ".npz" or ".safetensors". One of that name is replaced.

        Returns:
            The file.

        Raises:
            UsageError: Unknown suffix.
            GenzooError: It cannot be written.
        """
        return self._writer().write(path, self)
