"""`python -m sandbox.packing [CHARM ...]`: pack these charms, or all of them."""

from __future__ import annotations

import sys
import time

from . import CHARMS, PackingError, pack, packed_path


def main() -> int:
    """Pack what the command line names; 1 when charmcraft refuses, 2 for an unknown charm."""
    names = sys.argv[1:] or CHARMS
    unknown = [name for name in names if name not in CHARMS]
    if unknown:
        print(f"no such charm: {', '.join(unknown)}; there are {', '.join(CHARMS)}")  # noqa: T201
        return 2
    for name in names:
        began = time.monotonic()
        try:
            ran = pack(name)
        except PackingError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        did = f"packed in {time.monotonic() - began:.0f} s" if ran else "unchanged"
        size = packed_path(name).stat().st_size / 1e6
        print(f"{packed_path(name).name}: {did}, {size:.1f} MB")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
