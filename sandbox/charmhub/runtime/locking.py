"""A lock that units of a model share: the kernel lets go of it when its holder dies."""

# ruff: noqa: PTH103, PTH123, SIM115 - pathlib costs a hook more than any tool; __exit__ closes
from __future__ import annotations

import os


class Held:
    """The lock of this file, held within a `with` block."""

    def __init__(self, file: str) -> None:
        os.makedirs(file.rpartition("/")[0], exist_ok=True)
        self._file = open(file, "w", encoding="ascii")

    def __enter__(self) -> None:
        # Imported where it is used: most hooks do without.
        import fcntl

        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()
