"""MachineManager 9 to 11: machines added, removed, and provisioned again."""

from __future__ import annotations

from typing import Any

from sandbox.juju import constraints
from sandbox.juju.api import tags
from sandbox.juju.api.facades import placements
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotSupported
from sandbox.juju.placement import CONTAINER_TYPES, Placement
from sandbox.juju.state import applications, machines, models, removal, storage, units
from sandbox.juju.state.store import Transaction

_DEFAULT_BASE = "ubuntu@24.04/stable"
"""Juju 3.6's preferred base where the model has none (version.DefaultSupportedLTSBase)."""


def add_machines(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddMachines: machines, and containers on new or existing ones."""

    def add(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        machine = machines.add_by_placement(
            tx,
            session.model,
            _placement(tx, session.model, arguments),
            base=_base(tx, session.model, arguments.fields("base")),
            constraints=constraints.checked(arguments.mapping("constraints")),
        )
        return {"machine": machine.id}

    added = each(session, parameters.each("params"), add)["results"]
    return {"machines": [{"machine": "", **result} for result in added]}


def destroy_machines(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyMachineWithParams: by force with what is on them; a dry run only tells."""

    def destroy(tx: Transaction, tag: str) -> dict[str, Any]:
        machine = tags.machine(tag)
        machines.get(tx, session.model, machine)
        info = _fate(tx, session.model, machine, parameters)
        if not parameters.flag("dry-run"):
            removal.destroy_machine(
                tx,
                session.model,
                machine,
                force=parameters.flag("force"),
                keep_instance=parameters.flag("keep"),
                maximum_wait=parameters.seconds("max-wait", removal.MAXIMUM_WAIT),
            )
        return {"info": info}

    return each(session, parameters.texts("machine-tags"), destroy)


def retry_provisioning(session: Session, parameters: Fields) -> dict[str, Any]:
    """RetryProvisioning: of the named machines, or of all that failed; only failures answer."""
    wanted = parameters.texts("machines")
    if parameters.flag("all"):
        with session.store.transaction() as tx:
            failed = tx.all(
                "SELECT entity FROM statuses WHERE model = ? AND kind = 'instance'"
                " AND status = 'provisioning error'",
                session.model,
            )
        wanted = [tags.for_machine(row["entity"]) for row in failed]

    def retry(tx: Transaction, tag: str) -> None:
        machines.retry_provisioning(tx, session.model, tags.machine(tag))

    answers = each(session, wanted, retry)["results"]
    return {"results": [answer for answer in answers if answer]}


def provisioning_script(session: Session, parameters: Fields) -> dict[str, Any]:
    """ProvisioningScript: for machines added by hand over SSH, which there are none of."""
    raise NotSupported("getting instance config: manual provisioning not supported")


def instance_types(session: Session, parameters: Fields) -> dict[str, Any]:
    """InstanceTypes: bare metal and containers have none."""

    def refuse(_tx: Transaction, _constraints: Fields) -> None:
        raise NotSupported("instance types of this model's cloud not supported")

    return each(session, parameters.each("constraints"), refuse)


def _placement(tx: Transaction, model: str, arguments: Fields) -> Placement | None:
    kind, parent = arguments.text("container-type"), arguments.text("parent-id")
    if parent and not kind:
        raise JujuError("parent machine specified without container type")
    if kind and arguments.has("placement"):
        raise JujuError("container type and placement are mutually exclusive")
    if kind:
        return Placement(kind, parent)
    if not arguments.has("placement"):
        return None
    directive = arguments.fields("placement")
    scope = directive.text("scope")
    if scope not in CONTAINER_TYPES and scope not in (model, models.get(tx, model).name):
        raise JujuError(f'invalid model name "{scope}"')
    return placements.parse(tx, model, [directive])[0]


def _base(tx: Transaction, model: str, base: Fields) -> str:
    if base.text("name"):
        return applications.full_base(f"{base.text('name')}@{base.text('channel')}")
    default = str(models.get_config(tx, model)["default-base"])
    return applications.full_base(default or _DEFAULT_BASE)


def _fate(tx: Transaction, model: str, machine: str, parameters: Fields) -> dict[str, Any]:
    """params.DestroyMachineInfo: what goes with the machine."""
    going = units.on_machine(tx, model, machine)
    info: dict[str, Any] = {"machine-id": machine}
    if going:
        info["destroyed-units"] = [{"tag": tags.for_unit(unit.name)} for unit in going]
    owned = [found for unit in going for found in storage.of_unit(tx, model, unit.name)]
    if owned:
        info["destroyed-storage"] = [{"tag": tags.for_storage(found.id)} for found in owned]
    if parameters.flag("force") or parameters.flag("dry-run"):
        inside = machines.containers(tx, model, machine)
        if inside:
            info["destroyed-containers"] = [
                {"info": _fate(tx, model, container.id, parameters)} for container in inside
            ]
    return info


_METHODS = {
    "AddMachines": Method(add_machines, Access.WRITE),
    "DestroyMachineWithParams": Method(destroy_machines, Access.WRITE),
    "RetryProvisioning": Method(retry_provisioning, Access.WRITE),
    "ProvisioningScript": Method(provisioning_script, Access.WRITE),
    "InstanceTypes": Method(instance_types, Access.READ),
}

FACADES = tuple(Facade("MachineManager", version, _METHODS) for version in (9, 10, 11))
