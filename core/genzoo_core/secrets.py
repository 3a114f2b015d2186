"""Leaving passwords and tokens out of what is printed or stored."""

from __future__ import annotations

import re

_SSH = re.compile(r"(ssh://[^\s/:@]*):[^\s/]*@", re.IGNORECASE)
"""The user name of ssh is no secret, as in git@host; a password is."""

_ACCOUNT = re.compile(r"(?<!ssh:)//[^\s/]*@", re.IGNORECASE)
_HEADER = re.compile(r"\b((?:basic|bearer)\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"(?<![^\s'\"=,])[^\s/:@'\"=,]+:[^\s/@]+@(?=\w)")
_FIELD = re.compile(
    r"([?&#;][^\s?&#;=]{0,40}(?:token|key|sig|secret|pass|auth|credential)[^\s?&#;=]{0,40}=)"
    r"[^\s&#;'\"]+",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\b(?:hf_|gh[oprsu]_|github_pat_|glpat-|pypi-AgE)[\w-]{16,}")


def without_secrets(text: str, account: str = "…@") -> str:
    """`text` without the passwords and tokens in its addresses.

    `account` takes the place of a user name with its password.
    """
    text = _SSH.sub(r"\1@", text)
    text = _HEADER.sub(r"\1…", _ACCOUNT.sub(f"//{account}", text))
    text = _WITHOUT_SCHEME.sub(account, text)
    return _TOKEN.sub("…", _FIELD.sub(r"\1…", text))
