"""Storage constraints: pool, size and count in any order, such as `ebs,10G,2` (storage)."""

from __future__ import annotations

import dataclasses
import math
import re

from sandbox.juju.bundles.errors import BundleError

_POOL = re.compile(r"[a-zA-Z]+[-?a-zA-Z0-9]*")
_COUNT = re.compile(r"-?[0-9]+")
_SIZE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)([MGTPEZY])(?:i?B)?")
_MEBIBYTES = {unit: 1024**power for power, unit in enumerate("MGTPEZY")}


@dataclasses.dataclass(frozen=True)
class StorageConstraints:
    """What a unit asks of one of its storages; a size of 0 leaves it to the charm."""

    pool: str = ""
    size: int = 0
    """MiB."""
    count: int = 1

    @property
    def wire(self) -> dict[str, str | int]:
        """As the API takes it: Go's field names, for the type has no JSON tags."""
        return {"Pool": self.pool, "Size": self.size, "Count": self.count}


def parse_storage(text: str) -> StorageConstraints:
    """The constraints that a text spells.

    Raises:
        BundleError: a field is none of the three, comes twice, or there is none at all.
    """
    pool, size, count = "", 0, 0
    for field in filter(None, text.split(",")):
        sized = _SIZE.fullmatch(field)
        if _COUNT.fullmatch(field):
            if count:
                raise BundleError(
                    f"storage instance count is already set to {count}, new value {field} "
                    "not valid"
                )
            count = int(field)
            if count <= 0:
                raise BundleError(
                    "parsing storage count: count must be greater than zero, "
                    f'got "{field}" not valid'
                )
        elif sized:
            if size:
                raise BundleError(
                    f"storage size is already set to {size}, new value {field} not valid"
                )
            if sized[1].startswith("-"):
                raise BundleError(
                    f'cannot parse size: expected a non-negative number, got "{field}"'
                )
            size = math.ceil(float(sized[1]) * _MEBIBYTES[sized[2]])
        elif _POOL.fullmatch(field):
            if pool:
                raise BundleError(
                    f'pool name is already set to "{pool}", new value "{field}" not valid'
                )
            pool = field
        else:
            raise BundleError(f'unrecognized storage constraint "{field}" not valid')
    if not (pool or size or count):
        raise BundleError("storage constraints require at least one field to be specified")
    return StorageConstraints(pool, size, count or 1)
