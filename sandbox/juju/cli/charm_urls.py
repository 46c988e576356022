"""Charm URLs: local:maas-bmc-0, ch:amd64/keystone-700, ch:amd64/noble/keystone-700, keystone."""

from __future__ import annotations

import dataclasses
import re

from sandbox.juju import names

_URL = re.compile(
    rf"(?:(?P<schema>ch|local):)?(?:(?P<arch>[a-z0-9]+)/)?(?:(?P<series>[a-z]+)/)?"
    rf"(?P<name>{names.APPLICATION})(?:-(?P<revision>\d+))?"
)


@dataclasses.dataclass(frozen=True)
class CharmUrl:
    """The parts of a charm URL; a revision of -1 is none."""

    schema: str
    name: str
    revision: int = -1
    architecture: str = ""

    def __str__(self) -> str:
        path = f"{self.architecture}/{self.name}" if self.architecture else self.name
        return f"{self.schema}:{path}" + (f"-{self.revision}" if self.revision >= 0 else "")


def parse_charm_url(text: str) -> CharmUrl | None:
    """The parts of a charm URL (`ch` when it names no schema), or None when it is not one."""
    found = _URL.fullmatch(text)
    if found is None:
        return None
    revision = int(found["revision"]) if found["revision"] else -1
    return CharmUrl(found["schema"] or "ch", found["name"], revision, found["arch"] or "")
