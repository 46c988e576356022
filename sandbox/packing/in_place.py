"""`charmcraft pack --destructive-mode` in the current folder, on any host of the sandbox.

A `charmcraft` on PATH that runs this module lets clients such as pytest-operator pack.
"""

from __future__ import annotations

import pathlib
import sys

from . import PackingError, pack_in_place


def main() -> int:
    """Pack the charm of the current folder; other commands of charmcraft are refused."""
    if sys.argv[1:2] != ["pack"]:
        print("this charmcraft only packs", file=sys.stderr)  # noqa: T201
        return 2
    try:
        pack_in_place(pathlib.Path.cwd())
    except PackingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
