"""What mkdocs calls when it builds the site of the documentation: `make docs`.

Pages that repeat something else are made here, each time: the commands from their help, the
interfaces from the modules, a page for each model from its card. Links in `docs/` that lead out of
it, as GitHub has them, get a page on the site.
"""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from site_pages import commands, interfaces, models, outside


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and put those of a folder into the navigation."""
    made: dict[str, str | bytes] = {
        "reference/commands.md": commands.page(),
        **interfaces.pages(),
        **models.pages(),
    }
    made |= outside.pages([*files.src_uris, *made])
    for uri, content in made.items():
        aside = uri.startswith("source/")
        level = InclusionLevel.NOT_IN_NAV if aside else InclusionLevel.INCLUDED
        files.append(File.generated(config, uri, content=content, inclusion=level))
    config.nav = [_filled(entry, sorted(made)) for entry in config.nav or ()]
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of `docs/` to their pages on the site."""
    return outside.relinked(markdown, page.file.src_uri)


def _filled(entry: Any, made: list[str]) -> Any:
    """An entry of the navigation, whose folders (`models/`) become lists of their pages."""
    if isinstance(entry, dict):
        return {title: _filled(value, made) for title, value in entry.items()}
    if isinstance(entry, list):
        return [_filled(value, made) for value in entry]
    if not entry.endswith("/"):
        return entry
    pages = [uri for uri in made if uri.startswith(entry) and uri.endswith(".md")]
    return sorted(pages, key=lambda uri: (not uri.endswith("/index.md"), uri))
