"""Placement directives of calls: {"scope", "directive"}."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.juju import placement
from sandbox.juju.api.parameters import Fields
from sandbox.juju.placement import Placement
from sandbox.juju.state import models
from sandbox.juju.state.store import Transaction


def parse(tx: Transaction, model: str, directives: Sequence[Fields]) -> list[Placement | None]:
    """The placements that these directives mean in a model.

    Raises:
        NotValid: a scope that is neither a container type, a machine nor this model.
    """
    name = models.get(tx, model).name
    return [
        placement.resolve(
            Placement(directive.text("scope"), directive.text("directive"))
            if directive.text("scope")
            else placement.parse(directive.text("directive"), model=model),
            model_uuid=model,
            model_name=name,
        )
        for directive in directives
    ]
