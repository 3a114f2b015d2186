"""Arrays: .npz and .safetensors, of pictures and of latents. Nothing in them is pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

from genzoo.files.header import safetensors_header
from genzoo.run.outputs.record import KEY, encode
from genzoo_core.pictures import Latents, Pictures
from genzoo_core.request import Record

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 2**20
"""Bytes that are copied at a time."""


def picture_tensors(pictures: Pictures, *, channels_last: bool) -> dict[str, Tensor]:
    """`images` and, of reconstructions, `inputs`, uint8 `[N, …]`; `seeds`, int64 `[N]`."""
    import torch

    from genzoo_core.images import to_uint8

    tensors = {"images": to_uint8(pictures.images)}
    if pictures.inputs is not None:
        tensors["inputs"] = to_uint8(pictures.inputs)
    if channels_last:
        tensors = {name: tensor.permute(0, 2, 3, 1) for name, tensor in tensors.items()}
    if pictures.seeds:
        tensors["seeds"] = torch.tensor(pictures.seeds, dtype=torch.int64)
    return tensors


def latent_tensors(latents: Latents) -> dict[str, Tensor]:
    """`mean` and, where the encoder has one, `std`, float32 `[N, *latent]`; int64 of codes."""
    mean, std = latents.posterior.mean, latents.posterior.std
    mean = mean.float() if mean.is_floating_point() else mean.long()
    return {"mean": mean} | ({} if std is None else {"std": std.float()})


class Rows:
    """A tensor to which rows of `shape` are added; they lie on the disk, in a file without a name.

    How many there will be, and what the record in front of them says, is not clear before the end.
    """

    def __init__(self, folder: Path, dtype: str, shape: tuple[int, ...]) -> None:
        self._file = TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._row = shape
        self.dtype = dtype
        self.count = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole tensor."""
        return (self.count, *self._row)

    def add(self, rows: Tensor) -> None:
        """Write some rows to the disk."""
        rest = memoryview(rows.contiguous().numpy().tobytes())
        while rest:
            rest = rest[self._file.write(rest) :]
        self.count += len(rows)

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the whole tensor."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk


def add_rows(arrays: dict[str, Rows], tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Add a batch's tensors to those of the batches before."""
    for name, tensor in tensors.items():
        if name not in arrays:
            dtype = str(tensor.dtype).removeprefix("torch.")
            arrays[name] = Rows(folder, dtype, tuple(tensor.shape[1:]))
        arrays[name].add(tensor)


def write_npz(
    file: IO[bytes], arrays: Mapping[str, Rows], record: Record, names: Sequence[str] = ()
) -> None:
    """A .npz file as numpy's `savez_compressed` writes it; the record is an array of one text.

    `names` of the rows are an array of texts.
    """
    import zipfile

    import numpy as np
    from numpy.lib import format as npy

    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("record.npy", "w", force_zip64=True) as member:
            npy.write_array(member, np.array(encode(record)), allow_pickle=False)
        for name, rows in arrays.items():
            header = {
                "descr": npy.dtype_to_descr(np.dtype(rows.dtype)),
                "fortran_order": False,
                "shape": rows.shape,
            }
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                npy.write_array_header_1_0(member, header)
                for chunk in rows.chunks():
                    member.write(chunk)
        if names:
            with archive.open("names.npy", "w", force_zip64=True) as member:
                _write_texts(member, names)


def _write_texts(file: IO[bytes], texts: Sequence[str]) -> None:
    """An array of texts, which take as much room as the longest one."""
    import numpy as np
    from numpy.lib import format as npy

    dtype = np.dtype(f"<U{max(map(len, texts))}")
    header = {"descr": dtype.str, "fortran_order": False, "shape": (len(texts),)}
    npy.write_array_header_1_0(file, header)
    step = max(1, CHUNK // dtype.itemsize)
    for start in range(0, len(texts), step):
        file.write(np.array(texts[start : start + step], dtype).tobytes())


def write_safetensors(file: IO[bytes], arrays: Mapping[str, Rows], record: Record) -> None:
    """A safetensors file, with the record in its metadata; the widest elements come first."""
    import numpy as np

    widths = {name: np.dtype(rows.dtype).itemsize for name, rows in arrays.items()}
    ordered = sorted(arrays, key=lambda name: (-widths[name], name))
    tensors = [(name, arrays[name].dtype, arrays[name].shape) for name in ordered]
    file.write(safetensors_header({KEY: encode(record)}, tensors))
    for name in ordered:
        file.writelines(arrays[name].chunks())
