"""Links that lead out of `docs/`, as they stand on GitHub, and where they lead on the site."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHOLE = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "tools/README.md": "tools.md",
}
"""Pages beside `docs/` that the site has as they are; the README's place is taken by its first."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+://|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def pages(uris: Iterable[str]) -> dict[str, str | bytes]:
    """The pages of what lies outside of `docs/` and is linked there.

    Args:
        uris: The files of the site, those that are made among them.
    """
    there = set(uris)
    made: dict[str, str | bytes] = {
        uri: (ROOT / name).read_text(encoding="utf-8")
        for name, uri in WHOLE.items()
        if uri not in there
    }
    written = [path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")]
    for source in [*written, *(name for name, uri in WHOLE.items() if uri in made)]:
        for target in _targets((ROOT / source).read_text(encoding="utf-8"), source):
            uri = _place(target)
            if uri not in there and uri not in made:
                made[uri] = _shown(target)
    return made


def relinked(markdown: str, uri: str) -> str:
    """A page's text, whose links lead to pages of the site."""
    beside = {place: name for name, place in WHOLE.items() if name != "README.md"}
    source = beside.get(uri, f"docs/{uri}")

    def lead(found: re.Match[str]) -> str:
        target = _resolved(found[1], source)
        if not target or not (ROOT / target).exists():
            return found[0]
        return posixpath.relpath(_place(target), posixpath.dirname(uri) or ".") + (found[2] or "")

    return LINK.sub(lead, markdown)


def _targets(markdown: str, source: str) -> Iterator[str]:
    for found in LINK.finditer(markdown):
        target = _resolved(found[1], source)
        if target and (ROOT / target).exists():
            yield target


def _resolved(link: str, source: str) -> str:
    """The path in the repository that a link in the file `source` leads to; "" for none in it."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link))
    return "" if target.startswith("..") else target


def _place(target: str) -> str:
    """Where on the site a path of the repository is."""
    if target in WHOLE:
        return WHOLE[target]
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target == "core/genzoo_core":
        return "reference/genzoo_core/index.md"
    if module := re.fullmatch(r"core/genzoo_core/(\w+)(\.py)?", target):
        return f"reference/genzoo_core/{module[1]}.md"
    if recipe := re.fullmatch(r"plugins/\w+/recipes/([\w-]+)\.toml", target):
        return f"models/{recipe[1]}.md"
    return f"source/{target}.md"


def _shown(target: str) -> str:
    """A file as a page, or the names in a folder."""
    path = ROOT / target
    if path.is_dir():
        names = "\n".join(f"- `{each.name}`" for each in sorted(path.iterdir()))
        return f"# {target}\n\n{names}\n"
    text = path.read_text(encoding="utf-8")
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 3)
    return f"# {target}\n\n{ticks}{path.suffix.removeprefix('.')}\n{text}\n{ticks}\n"
