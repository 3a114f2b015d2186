"""Train the weights that come with a plugin of `genzoo new`, and put them into its templates.

    python tools/template_weights.py

For whoever changes a model or a recipe in plugins/genzoo_author/templates.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from genzoo_author.kinds import KINDS
from genzoo_author.naming import names_of
from genzoo_author.rendering import TEMPLATES, render, write_folder

NAMES = names_of("placeholder-plugin")
UNTRAINED = json.dumps({"__metadata__": {"card": '{"parameters":0}'}}).encode()


def renamed(data: bytes) -> bytes:
    """A model file with placeholders for the plugin's names."""
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].decode()
    header = header.replace(f"{NAMES.distribution}/{NAMES.name}", "$distribution/$name")
    text = header.replace(NAMES.name, "$name").encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def main() -> None:
    kinds = [kind for kind in KINDS if kind.model]
    homes = {
        kind: TEMPLATES / "kinds" / kind.name / "package/weights" / f"NAME{kind.model}.safetensors"
        for kind in kinds
    }
    for home in homes.values():
        home.parent.mkdir(exist_ok=True)
        if not home.exists():
            home.write_bytes(len(UNTRAINED).to_bytes(8, "little") + UNTRAINED)
    with tempfile.TemporaryDirectory() as folder:
        plugin, site = Path(folder, "plugin"), Path(folder, "site")
        write_folder(plugin, render(NAMES, kinds, author="", licence="none"))
        install = ["-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
        subprocess.run([sys.executable, *install, site, plugin], check=True)
        draw = ["-m", "genzoo_author.shapes", "data"]
        subprocess.run([sys.executable, *draw], cwd=plugin, check=True)
        for kind, home in homes.items():
            name = f"{NAMES.name}{kind.model}"
            train = ["-m", "genzoo", "train", name, "--data", "data", "--threads", "1"]
            environment = {**os.environ, "PYTHONPATH": str(site)}
            subprocess.run([sys.executable, *train], cwd=plugin, env=environment, check=True)
            home.write_bytes(renamed((plugin / "runs" / name / f"{name}.safetensors").read_bytes()))
            print(f"wrote {home}: {home.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
