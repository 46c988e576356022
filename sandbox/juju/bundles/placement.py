"""Placement directives of bundles: lxd:0, lxd:app/0, app, 0, new (bundledata.go)."""

from __future__ import annotations

import dataclasses
import re

from sandbox.juju import names
from sandbox.juju.bundles.errors import BundleError

_PLACEMENT = re.compile(
    rf"(?:(?P<container>[a-z]+):)?"
    rf"(?:(?P<application>{names.APPLICATION})(?:/(?P<unit>0|[1-9][0-9]*))?"
    rf"|(?P<machine>0|[1-9][0-9]*))"
)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where one unit is to go."""

    container: str = ""
    """The kind of a new container for it, such as lxd; empty to share the machine itself."""
    machine: str = ""
    """A machine of the bundle, or `new`."""
    application: str = ""
    unit: int = -1
    """A unit of `application`; -1 for the next that has none of ours beside it."""


def parse_placement(text: str) -> Placement:
    """The directive that a text spells.

    Raises:
        BundleError: it spells none.
    """
    found = _PLACEMENT.fullmatch(text)
    if found is None:
        raise BundleError(f'invalid placement syntax "{text}"')
    application, unit = found["application"] or "", found["unit"]
    if application == "new":
        if unit is not None:
            raise BundleError(f'invalid placement syntax "{text}"')
        return Placement(found["container"] or "", "new")
    return Placement(
        found["container"] or "",
        found["machine"] or "",
        application,
        int(unit) if unit is not None else -1,
    )
