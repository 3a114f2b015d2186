"""A terminal of some width, on which `genzoo` writes."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

from shelf import GENZOO


def on_terminal(
    columns: int, *arguments: str, code: int = 0, errors: bool = False, **environment: str
) -> list[str]:
    """The lines that `genzoo` writes on stdout, or on stderr where its exit `code` is not 0 or
    `errors` are wanted."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    out, err = (None, theirs) if code or errors else (theirs, None)
    words = [str(GENZOO), *arguments]
    process = subprocess.Popen(words, stdout=out, stderr=err, env=kept | environment)
    os.close(theirs)
    output = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux says so that the other end is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(ours)
    assert process.wait() == code
    return output.decode().split("\r\n")[:-1]
