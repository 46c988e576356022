"""Placement directives: where a unit or a machine is asked to go.

The rules and messages are those of Juju's core/instance/placement.go.
"""

from __future__ import annotations

import dataclasses
import re

from sandbox.juju import errors

CONTAINER_TYPES = ("lxd", "kvm")
MACHINE_SCOPE = "#"
_MACHINE = re.compile(r"(0|[1-9][0-9]*)(/[a-z]+/(0|[1-9][0-9]*))*\Z")
_UNIT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*/(0|[1-9][0-9]*)\Z")


@dataclasses.dataclass(frozen=True)
class Placement:
    """A directive: scope "#" names a machine, lxd a container, a model the provider."""

    scope: str
    directive: str = ""

    def __str__(self) -> str:
        return f"{self.scope}:{self.directive}"


def is_machine(text: str) -> bool:
    """Whether the text is a machine id: 0, 0/lxd/1."""
    return _MACHINE.match(text) is not None


def is_unit(text: str) -> bool:
    """Whether the text is a unit name: nova-compute/3."""
    return _UNIT.match(text) is not None


def parse(text: str, *, model: str = "") -> Placement | None:
    """The placement that one directive of `--to` means; None for an empty one (and `new`).

    A directive without a scope (zone=az1) is for the provider of the model, whose UUID
    is then the scope, as Juju's clients send it.

    Raises:
        NotValid: a scope without its machine id, or no scope where none can be inferred.
    """
    if text in ("", "new"):
        return None
    scope, colon, directive = text.partition(":")
    if colon:
        if not scope:
            raise errors.NotValid("placement scope missing")
        needs_machine = scope == MACHINE_SCOPE or scope in CONTAINER_TYPES
        if scope in CONTAINER_TYPES and directive == "new":
            return Placement(scope)
        if needs_machine and not is_machine(directive):
            raise errors.NotValid(
                f'invalid value "{directive}" for "{scope}" scope: expected machine-id'
            )
        return Placement(scope, directive)
    if is_machine(text):
        return Placement(MACHINE_SCOPE, text)
    if text in CONTAINER_TYPES:
        return Placement(text)
    if model and "=" in text:
        return Placement(model, text)
    raise errors.NotValid("placement scope missing")


def resolve(placement: Placement | None, *, model_uuid: str, model_name: str) -> Placement | None:
    """The placement with the model's UUID as scope where its name or UUID was given.

    Raises:
        NotValid: a scope that is neither a container type, a machine nor this model.
    """
    if placement is None or placement.scope in (MACHINE_SCOPE, *CONTAINER_TYPES):
        return placement
    if placement.scope in (model_uuid, model_name):
        return Placement(model_uuid, placement.directive)
    raise errors.NotValid(f'placement scope: invalid model UUID "{placement.scope}"')
