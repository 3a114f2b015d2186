"""The environment's variables that change what genzoo does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from genzoo.managing.doctor.findings import Finding
from genzoo_core.errors import did_you_mean

OURS = (
    "GENZOO_CACHE",
    "GENZOO_CONFIG",
    "GENZOO_DATA",
    "GENZOO_DEBUG",
    "GENZOO_DISABLE",
    "GENZOO_INCEPTION",
    "GENZOO_PLUGINS",
)
"""Those that genzoo itself knows; a plugin may have more."""

PREFIXES = ("GENZOO_", "HF_", "HUGGING_FACE_", "HUGGINGFACE_")
SECRET = re.compile(r"TOKEN|SECRET|PASS|KEY|CREDENTIAL", re.IGNORECASE)
ACCOUNT = re.compile(r"://[^/\s]*@")


def look_at_variables() -> Iterator[Finding]:
    """Each variable in force. What may be a secret is not shown."""
    for name in sorted(os.environ):
        if not name.startswith(PREFIXES):
            continue
        text = f"{name}={_shown(name, os.environ[name])}"
        near = did_you_mean(name, OURS) if name.startswith("GENZOO_") else None
        if near and name not in OURS:
            yield Finding("variable", f"{text}: genzoo itself knows no such one", "note", near)
        else:
            yield Finding("variable", text)


def _shown(name: str, value: str) -> str:
    if SECRET.search(name) and name != "HF_TOKEN_PATH":
        return "(set, and not shown)"
    return ACCOUNT.sub("://…@", value)
