"""Blocks of addresses for tests: no two test processes get the same one at a time."""

from __future__ import annotations

import functools
import pathlib
import socket

_FIRST, _LAST = 100, 249
_held: list[socket.socket] = []
"""What keeps the reservations of this process: nobody else touches it."""


@functools.cache
def reserve(purpose: str, preferred: int = _FIRST) -> int:
    """The block of this process for this purpose: `preferred` when it is free, else a later one.

    The reservation is a name in the kernel's abstract namespace, which ends with the process. A
    block on which somebody still listens is left alone: a test that was killed may have left it.
    """
    in_use = _listening()
    for offset in range(_LAST - _FIRST + 1):
        block = _FIRST + (preferred - _FIRST + offset) % (_LAST - _FIRST + 1)
        if block in in_use:
            continue
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0sandbox-block-{block}")
        except OSError:
            name.close()
            continue
        _held.append(name)
        return block
    raise RuntimeError(f"every block from {_FIRST} to {_LAST} is in use")


def _listening() -> set[int]:
    """The blocks of 127.0.0.0/8 on whose addresses a socket listens (proc(5), /proc/net/tcp)."""
    lines = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    local = [fields[1] for line in lines if (fields := line.split())[3] == "0A"]
    addresses = [bytes.fromhex(one.partition(":")[0])[::-1] for one in local]
    return {address[1] for address in addresses if address[0] == 127}
