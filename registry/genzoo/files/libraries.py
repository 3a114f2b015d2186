"""Libraries of extras, which a user may not have."""

from __future__ import annotations

from importlib.util import find_spec

from genzoo_core.errors import UsageError


def need_pyarrow(doing: str, otherwise: str = "") -> None:
    """Refuse what needs pyarrow where it is not installed; `otherwise` is what to do without."""
    if find_spec("pyarrow") is None:
        hint = f"`pip install 'genzoo[bulk]'`{otherwise and f', or {otherwise}'}"
        raise UsageError(f"{doing} needs the library pyarrow, which is not installed", hint)
