"""Entity tags of the API and the names that people use (github.com/juju/names)."""

from __future__ import annotations

import re

from sandbox.juju import names

_UNIT = re.compile(rf"{names.APPLICATION}/\d+")
_MACHINE = re.compile(r"\d+(?:/[a-z]+/\d+)*")
_MODEL = re.compile(r"[a-z0-9]+[a-z0-9.-]*")


def application_name_problem(name: str) -> str:
    """What is wrong with a name that no application can have (cmd/juju/application/utils)."""
    if re.search(r"[A-Z]", name):
        return "unexpected uppercase character"
    if re.search(r"-[0-9]+\Z", name):
        return "unexpected number(s) found after last hyphen"
    if strange := re.search(r"[^a-z0-9-]", name):
        return f"unexpected character {strange[0]}"
    return "unexpected form"


def is_unit(name: str) -> bool:
    """Whether this can be a unit's name: keystone/0."""
    return _UNIT.fullmatch(name) is not None


def is_machine(name: str) -> bool:
    """Whether this can be a machine's id: 0, 0/lxd/1."""
    return _MACHINE.fullmatch(name) is not None


def is_model(name: str) -> bool:
    """Whether this can be a model's name."""
    return _MODEL.fullmatch(name) is not None


def unit_tag(name: str) -> str:
    """unit-keystone-0 for keystone/0."""
    return "unit-" + name.replace("/", "-")


def machine_tag(name: str) -> str:
    """machine-0-lxd-1 for 0/lxd/1."""
    return "machine-" + name.replace("/", "-")


def name_of(tag: str) -> str:
    """The name or id inside a tag of a unit, machine, storage, volume, application or other."""
    kind, _, rest = tag.partition("-")
    if kind in ("unit", "storage"):
        head, _, number = rest.rpartition("-")
        return f"{head}/{number}"
    if kind in ("machine", "volume", "filesystem"):
        return rest.replace("-", "/")
    return rest
