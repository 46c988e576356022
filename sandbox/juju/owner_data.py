"""What Juju writes on an instance, so that it and an operator can tell whose it is.

The keys are those of Juju's environs/tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.juju.state.values import Model

_MACHINE = "juju-machine-id"


def of_machine(
    model: Model, controller: str, machine: str, units: Iterable[str]
) -> dict[str, str]:
    """The data of an instance for a machine: the operator's `resource-tags`, then Juju's own.

    Args:
        model: the machine's model.
        controller: the controller's UUID.
        machine: the machine's id.
        units: names of the units that it is started for.
    """
    pairs = str(model.config.get("resource-tags") or "").split()
    return {
        **{key: value for key, _, value in (pair.partition("=") for pair in pairs)},
        "juju-controller-uuid": controller,
        _MACHINE: f"{model.name}-machine-{machine}",
        "juju-model-uuid": model.uuid,
        "juju-units-deployed": " ".join(units),
    }


def machine_of(owner_data: Mapping[str, str]) -> str:
    """The id of the machine that an instance was started for; empty where nothing tells it."""
    return owner_data.get(_MACHINE, "").rpartition("-machine-")[2]
