"""What says that a plugin is there, its metadata and links in its place: none hurts another."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from fuzzing.kinds.manifests import MANIFEST, install_both, look
from fuzzing.mutations import TOKENS, changed_bytes, changed_text, hostile

METADATA = b"Metadata-Version: 2.1\nName: mutant-one\nVersion: 1.0\nRequires-Dist: torch>=2\n"
ENTRY = b"[genzoo]\nmutant_one = mutant_one\n"


def prepare() -> Callable[[Random], None]:
    site, folder = install_both()
    manifest, info = folder / "genzoo.toml", site / "mutant_one-1.0.dist-info"

    def example(chance: Random) -> None:
        restore(site, manifest, info)
        change(chance, site, manifest, info)
        look(chance, site)

    return example


def restore(site: Path, manifest: Path, info: Path) -> None:
    """Make the plugin sound again."""
    for extra in site.glob("mutant_one-*.dist-info"):
        if extra != info:
            shutil.rmtree(extra)
    for path in (manifest, info / "METADATA", info / "entry_points.txt"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    manifest.write_text(MANIFEST)
    (info / "METADATA").write_bytes(METADATA)
    (info / "entry_points.txt").write_bytes(ENTRY)


def change(chance: Random, site: Path, manifest: Path, info: Path) -> None:
    """Change what says that the plugin is there: its metadata, its files' kinds, their number."""
    path = chance.choice([info / "METADATA", info / "entry_points.txt", manifest])
    match chance.randrange(6):
        case 0:
            path.write_bytes(changed_text(chance, path.read_bytes()))
        case 1:
            path.write_bytes(changed_bytes(chance, path.read_bytes()))
        case 2:
            value = str(hostile(chance)).encode("utf-8", "surrogatepass")
            pieces = re.split(rb"(mutant.one|1\.0|genzoo|2\.1)", path.read_bytes())
            pieces[chance.randrange(len(pieces))] = chance.choice([value, *TOKENS])
            path.write_bytes(b"".join(pieces))
        case 3:
            path.unlink()
            target = chance.choice([path.name, "nowhere", "/dev/zero", "..", "/proc/self/mem"])
            os.symlink(target, path)
        case 4:
            path.unlink()
            chance.choice([path.mkdir, lambda: os.mkfifo(path), lambda: None])()
        case 5:
            name = str(hostile(chance)).replace("/", "-").replace("\0", "")[:40]
            with suppress(OSError, UnicodeError):
                other = site / f"mutant_one-{name}.dist-info"
                shutil.copytree(info, other)
                other_file = other / path.name
                if other_file.exists():
                    other_file.write_bytes(changed_text(chance, other_file.read_bytes()))
