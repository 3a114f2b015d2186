"""Giving a trained model another name.

The weights that come with a template name its components by placeholders. Only the header of a
model file says names, so the tensors stay as they are, and nothing has to be imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from string import Template

LENGTH_BYTES = 8


def named(data: bytes, names: Mapping[str, str]) -> bytes:
    """A model file whose header names these.

    Args:
        data: A model file with placeholders (`$name`) in the metadata of its header.
        names: What they stand for.
    """
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
    metadata = header["__metadata__"]
    for key, text in metadata.items():
        metadata[key] = Template(text).substitute(names)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors are aligned
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + data[LENGTH_BYTES + length :]


def parameters(data: bytes) -> int:
    """Number of parameters that a model file's card says."""
    length = int.from_bytes(data[:LENGTH_BYTES], "little")
    header = json.loads(data[LENGTH_BYTES : LENGTH_BYTES + length])
    return int(json.loads(header["__metadata__"]["card"])["parameters"])
