"""Blocks of addresses for tests: no two test processes get the same one at a time."""

from __future__ import annotations

import functools
import socket

_FIRST, _LAST = 100, 249
_held: list[socket.socket] = []
"""What keeps the reservations of this process: nobody else touches it."""


@functools.cache
def reserve(purpose: str, preferred: int = _FIRST) -> int:
    """The block of this process for this purpose: `preferred` when it is free, else a later one.

    The reservation is a name in the kernel's abstract namespace, which ends with the process.
    """
    for offset in range(_LAST - _FIRST + 1):
        block = _FIRST + (preferred - _FIRST + offset) % (_LAST - _FIRST + 1)
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0sandbox-block-{block}")
        except OSError:
            name.close()
            continue
        _held.append(name)
        return block
    raise RuntimeError(f"every block from {_FIRST} to {_LAST} is in use")
