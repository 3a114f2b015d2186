"""Mutations of a model file: it loads, or is refused in one line. Nothing else can happen.

A process of its own reads them, with a limit on memory and on time, so that a crash, a hang or
a greedy one is a failure too. `GENZOO_FUZZ=100000 pytest tests/genzoo/test_fuzz_modelfile.py`
takes longer and finds other examples each time.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import acme_plugin
from hypothesis import given
from hypothesis import strategies as st
from mutations import BYTE_EDITS, DATA_EDITS, changed, changed_bytes, fuzzed

import genzoo
from genzoo_core import (
    ComponentSpec,
    ConfigError,
    GenzooError,
    Metric,
    ModelCard,
    ModelSpec,
    PartSpec,
    WeightsError,
    Zoo,
)

EXAMPLES = 1200
"""Files that are read whole."""
HEADERS = 5000
"""Files with a few random bytes changed, of which the header is read."""

MEMORY = 2**30
"""Bytes that the process may take beside what torch takes; the file has less than 0.1 MB."""
GROWTH = 300_000
"""Kibibytes by which its resident memory may grow."""
SECONDS = 1800
"""CPU seconds until it counts as hanging; a run takes some twenty, unless more was asked for."""

LONGEST = 1200
"""Characters of the longest message."""

MUTATIONS = st.fixed_dictionaries(
    {
        "header": DATA_EDITS,
        "model": DATA_EDITS,
        "card": DATA_EDITS,
        "text": BYTE_EDITS,
        "data": BYTE_EDITS,
        "length": st.none() | st.sampled_from([0, 1, 7, 2**63, 2**64 - 1, 10**6]),
    }
)


def test_a_mutated_model_file_loads_or_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "trap_module.py"
    trap.write_text("open(__file__ + '.ran', 'w').close()\nTrap = object\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "GENZOO_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    loaded, refused = map(int, done.stdout.split())
    assert loaded > 0
    assert refused > loaded
    assert not Path(f"{trap}.ran").exists()


def write_sound(folder: Path, path: Path) -> None:
    """A diffusion model with a conditioner, and a codec in the same file."""
    sys.path.insert(0, str(folder / "site"))
    package = acme_plugin.install(folder / "site", "acme-codecs", acme_plugin.MANIFEST)
    zoo = genzoo.open_zoo()
    codec = zoo.build(
        ModelSpec(
            "genzoo/spatial-codec", {"shape": [1, 8, 8], "channels": 2, "width": 8}, kind="codec"
        )
    )
    card = ModelCard("codec", "codec", "A codec.", kind="codec", weights="codec.safetensors")
    card = zoo.save(package / card.weights, codec.spec, codec.own_tensors(), card)
    (package / "genzoo.toml").write_text(acme_plugin.manifest_of([card]))

    zoo = genzoo.open_zoo()
    config = {
        "noiser": {"component": "genzoo/rectified-flow"},
        "network": {"type": "mlp", "width": 8, "blocks": 1, "embedding": 8},
        "shape": [1, 8, 8],
        "on": "latents",
    }
    labels = ComponentSpec("genzoo/class-labels", {"classes": ["a", "b"], "dim": 2})
    parts = {"codec": PartSpec("acme-codecs/codec")}
    built = zoo.build(ModelSpec("genzoo/diffusion", config, "model", {"label": labels}, parts))
    metric = Metric("Fréchet distance", 2.5, "genzoo eval sound", n=10, floor=1.0)
    card = ModelCard("sound", "diffusion", "A sound one.", shape=(1, 8, 8), metrics=(metric,))
    zoo.save(folder / "apart.safetensors", built.spec, built.own_tensors(), card)
    code, _ = command("export", folder / "apart.safetensors", "-o", path, "--whole")
    assert code == 0


def command(*words: str | Path) -> tuple[int, str]:
    """The exit code of a command of genzoo, and what it printed."""
    from genzoo.cli import main

    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
        return main([str(word) for word in words]), out.getvalue()


def mutated(content: bytes, edits: dict[str, Any]) -> bytes:
    """The content of a model file after changes of its parts."""
    end = 8 + int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8:end]), content[end:]
    metadata = header["__metadata__"]
    for name in ("model", "card"):
        if edits[name]:
            metadata[name] = json.dumps(changed(json.loads(metadata[name]), edits[name]))
    text = json.dumps(changed(header, edits["header"])).encode()
    text = changed_bytes(text, edits["text"])
    length = len(text) if edits["length"] is None else edits["length"]
    return struct.pack("<Q", length) + text + changed_bytes(data, edits["data"])


def main(folder: Path) -> None:
    """Read mutations of a model file under limits; print how many loaded, and how many not."""
    import torch

    sound, path = folder / "sound.safetensors", folder / "mutated.safetensors"
    write_sound(folder, sound)
    zoo = genzoo.open_zoo()
    content = sound.read_bytes()
    assert loads_or_is_refused(zoo, sound)
    torch.set_num_threads(1)
    counts = {True: 0, False: 0}

    @fuzzed(EXAMPLES)
    @given(MUTATIONS)
    def read(edits: dict[str, Any]) -> None:
        path.write_bytes(mutated(content, edits))
        counts[loads_or_is_refused(zoo, path)] += 1

    def read_headers() -> None:
        chance = random.Random(os.environ.get("GENZOO_FUZZ", "0"))
        for _ in range(HEADERS):
            path.write_bytes(blemished(content, chance))
            with suppress(WeightsError, ConfigError):
                zoo.card(str(path))

    within_limits(lambda: (read_headers(), read()))
    assert "trap_module" not in sys.modules
    print(counts[True], counts[False])  # noqa: T201


def blemished(content: bytes, chance: random.Random) -> bytes:
    """The content with one to five bytes changed, most of them in the header."""
    out = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        last = chance.choice([16, 400, 4000, len(out)])
        out[chance.randrange(min(last, len(out)))] = chance.choice(b'\x00\xff"{}[]:,0-e9\\ ')
    return bytes(out)


def within_limits(work: Callable[[], object]) -> None:
    """Do it with little more memory than is in use, and check that it was enough."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < GROWTH, f"{grown} KiB more"


def loads_or_is_refused(zoo: Zoo, path: Path) -> bool:
    """Whether a file loads; what it says of itself can be shown then, too.

    Raises:
        AssertionError: It is refused with more than a line, or by a wrong error.
    """
    refusal: GenzooError | None = None
    try:
        module = zoo.open(str(path)).module
    except GenzooError as error:
        refusal = error
    if refusal is not None:
        assert isinstance(refusal, WeightsError | ConfigError), repr(refusal)
        assert len(str(refusal)) < LONGEST
        assert len(str(refusal).splitlines()) == 1, str(refusal)
        return False
    assert all(bool(tensor.isfinite().all()) for tensor in module.state_dict().values())
    code, shown = command("info", path, "--json")
    assert code == 0
    json.loads(shown, parse_constant=no_number)
    code, shown = command("info", path)
    assert code == 0
    assert shown
    return True


def no_number(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
