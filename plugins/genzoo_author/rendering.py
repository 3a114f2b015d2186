"""A plugin's files, from the templates, and its folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from string import Template
from typing import Any

from genzoo_author.kinds import BARE, Kind
from genzoo_author.naming import Names
from genzoo_core.atomic import becoming_folder
from genzoo_core.errors import GenzooError, UsageError

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".tmpl"
"""Of every template: without it, tools would take one for Python or TOML."""

LICENCES = ("Apache-2.0", "MIT", "none")
LENGTH_BYTES = 8
"""First bytes of a model file, with the length of its header."""


def render(names: Names, kinds: Sequence[Kind], *, author: str, licence: str) -> dict[str, bytes]:
    """The files of a plugin of at least one kind: contents by POSIX path inside its folder.

    `author` may be ""; `licence` is one of `LICENCES`.
    """
    values = _values(names, kinds, author or f"The {names.distribution} authors", licence)
    package = PurePosixPath("src", names.package)
    roots = [(TEMPLATES / "project", PurePosixPath()), (TEMPLATES / "package", package)]
    for kind in kinds:
        own = TEMPLATES / "kinds" / kind.name
        roots += [(own / "package", package), (own / "tests", PurePosixPath("tests"))]
    files = {
        str(target): content
        for folder, root in roots
        for target, content in _tree(folder, root, values)
    }
    manifest = str(package / "genzoo.toml")
    for kind in kinds:
        files[manifest] += _entry(kind, files, package, values).encode()
    if licence != "none":
        files["LICENSE"] = _fill(TEMPLATES / "licences" / f"{licence}{SUFFIX}", values).encode()
    return files


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new or empty folder, and its parents; `files` are contents by path inside it.

    Raises:
        UsageError: Something else is there.
        GenzooError: It cannot be written. Nothing is left behind.
    """
    other = "choose another place with --out"
    home = folder.absolute()  # "." has a name then
    try:
        exists = os.path.lexists(folder)
        if exists and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} exists already", other)
        if not home.parent.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
        with becoming_folder(home) as temporary:
            for name, content in files.items():
                path = temporary / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GenzooError(f"cannot write {str(folder)!r}: {reason}", other) from error


def _values(names: Names, kinds: Sequence[Kind], author: str, licence: str) -> dict[str, str]:
    """The values of the placeholders of all templates."""
    values = {
        "distribution": names.distribution,
        "package": names.package,
        "name": names.name,
        "summary": f"{names.name}: {_listed([k.name for k in kinds if k != BARE])} for genzoo.",
        "hooks": "".join(f'hooks = ["{kind.hook}"]\n' for kind in kinds if kind.hook),
        "author": author,
        # JSON's strings are TOML's too, but for DEL, which `genzoo new` refuses.
        "author_toml": json.dumps(author, ensure_ascii=False),
        "licence_fields": ""
        if licence == "none"
        else f'license = "{licence}"\nlicense-files = ["LICENSE"]\n',
        "year": str(datetime.now(tz=UTC).year),
        "genzoo_version": version("genzoo"),
        **_promises(f"{names.distribution}/{names.name}", kinds),
    }
    return values | {"sections": "".join(_of_kind(k, "readme.md", values) for k in kinds)}


def _listed(words: Sequence[str]) -> str:
    articled = [f"{'an' if word[0] in 'aeiou' else 'a'} {word}" for word in words or ["plugin"]]
    return " and ".join([", ".join(articled[:-1]), articled[-1]] if articled[1:] else articled)


def _promises(own: str, kinds: Sequence[Kind]) -> dict[str, str]:
    """The lines of the plugin's test, and the names that they import."""
    components = [f'check_component(zoo, "{kind.name}", own)' for kind in kinds if kind.component]
    models = [f'check_model(zoo, f"{{own}}{kind.model}")' for kind in kinds if kind.model]
    lines = [f'own = "{own}"', *components, *models] if components else []
    checks = ["check_component"] * bool(components) + ["check_model"] * bool(models)
    return {
        "promises": "".join(f"    {line}\n" for line in lines),
        "checks": ", ".join([*checks, "check_plugin"]),
    }


def _tree(
    folder: Path, root: PurePosixPath, values: Mapping[str, str]
) -> Iterator[tuple[PurePosixPath, bytes]]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "__pycache__" in path.parts:
            continue
        place = root / PurePosixPath(path.relative_to(folder).as_posix().replace("dot-", "."))
        place = place.with_name(place.name.replace("NAME", values["name"]))
        if path.suffix == SUFFIX:
            yield place.with_suffix(""), _fill(path, values).encode()
        elif path.suffix == ".safetensors":
            yield place, named(path.read_bytes(), values)
        else:
            yield place, path.read_bytes()


def _entry(
    kind: Kind, files: Mapping[str, bytes], package: PurePosixPath, values: Mapping[str, str]
) -> str:
    """What the manifest says of a kind, with the digest of its weights."""
    facts = dict(values)
    if kind.model:
        weights = files[str(package / "weights" / f"{values['name']}{kind.model}.safetensors")]
        card = json.loads(_header(weights)[0]["__metadata__"]["card"])
        facts |= {
            "sha256": sha256(weights).hexdigest(),
            "size": str(len(weights)),
            "parameters": str(card["parameters"]),
        }
    entry = _of_kind(kind, "manifest.toml", facts)
    return entry and f"\n{entry}"


def _of_kind(kind: Kind, name: str, values: Mapping[str, str]) -> str:
    """A template of a kind, filled in; "" where it has none of that name."""
    template = TEMPLATES / "kinds" / kind.name / f"{name}{SUFFIX}"
    return _fill(template, values) if template.exists() else ""


def _fill(template: Path, values: Mapping[str, str]) -> str:
    return Template(template.read_text(encoding="utf-8")).substitute(values)


def named(data: bytes, names: Mapping[str, str]) -> bytes:
    """A trained model under another name.

    `names` replace placeholders (`$name`) in the metadata of the header. The tensors stay as they
    are, and nothing is imported.
    """
    header, tensors = _header(data)
    metadata = header["__metadata__"]
    for key, text in metadata.items():
        metadata[key] = Template(text).substitute(names)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors are aligned
    return len(text).to_bytes(LENGTH_BYTES, "little") + text + tensors


def _header(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header of a model file, and its tensors."""
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    return json.loads(data[LENGTH_BYTES:end]), data[end:]
