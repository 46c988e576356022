"""Applications: deployed, found, configured, exposed, bound."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import clock, constraints, errors, names
from sandbox.juju.placement import MACHINE_SCOPE, Placement
from sandbox.juju.state import (
    charms,
    machines,
    models,
    options,
    relations,
    spaces,
    statuses,
    storage,
    units,
)
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Application, Charm

_EVERYWHERE = ["0.0.0.0/0", "::/0"]


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for beside a name and a charm when an application is deployed."""

    base: str
    """ubuntu@24.04/stable; a bare track means its stable risk."""
    channel: str = ""
    num_units: int = 1
    config: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Text or YAML scalars; `trust` among them is the application's own."""
    constraints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    placement: Sequence[Placement | None] = ()
    bindings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    storage: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    resources: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    existing_storage: Sequence[str] = ()
    """Ids of storage that the one unit gets instead of new ones."""
    trust: bool = False
    force: bool = False


def deploy(tx: Transaction, model: str, name: str, charm: Charm, request: Request) -> Application:
    """Add an application with its peer relations and its units.

    Raises:
        AlreadyExists: there is an application of that name.
        NotFound: a machine of the placement is not there.
        NotValid: an option, binding, storage or constraint that cannot be.
        JujuError: a subordinate with units or constraints, or a model that is going.
    """
    _check_placement(tx, model, name, request.placement)
    config, trust = _parsed_config(charm, request.config)
    if charm.subordinate and request.num_units:
        raise errors.JujuError("subordinate application must be deployed without units")
    if charm.subordinate and constraints.render(request.constraints):
        raise errors.JujuError("subordinate application must be deployed without constraints")
    base = full_base(request.base)
    try:
        _check_new(tx, model, name, charm, base)
        directives = storage.directives(charm, request.storage)
        for directive in directives.values():
            storage.check_pool(tx, model, directive["pool"])
    except errors.JujuError as refusal:
        raise errors.annotated(refusal, f'cannot add application "{name}"') from None
    tx.insert(
        "applications",
        model=model,
        name=name,
        charm_url=charm.url,
        channel=request.channel,
        base=base,
        subordinate=int(charm.subordinate),
        config_json={option: value for option, value in config.items() if value is not None},
        trust=int(request.trust or bool(trust)),
        constraints_json=_own_constraints(tx, model, charm, request.constraints),
        placement_json=[str(p) for p in request.placement if p is not None],
        bindings_json=_bindings(tx, model, charm, request.bindings),
        storage_json=directives,
        resources_json=dict(request.resources),
        created=clock.stamp(),
    )
    statuses.set_status(tx, model, "application", name, "unset")
    tx.touch("application", model, name)
    relations.add_peers(tx, model, name, charm.peers())
    _check_machines(tx, get(tx, model, name), request.placement)
    if request.num_units:
        units.add_units(
            tx, model, name, request.num_units, request.placement, request.existing_storage
        )
    return get(tx, model, name)


def get(tx: Transaction, model: str, name: str) -> Application:
    """An application by name; NotFound if there is none."""
    row = tx.one("SELECT * FROM applications WHERE model = ? AND name = ?", model, name)
    if row is None:
        raise errors.NotFound(f'application "{name}" not found')
    return Application.from_row(row)


def all_applications(tx: Transaction, model: str) -> list[Application]:
    """Every application of the model, by name."""
    rows = tx.all("SELECT * FROM applications WHERE model = ? ORDER BY name", model)
    return [Application.from_row(row) for row in rows]


def charm_of(tx: Transaction, application: Application) -> Charm:
    """The charm that an application runs, or is being refreshed to."""
    return charms.get(tx, application.model, application.charm_url)


def get_config(tx: Transaction, model: str, name: str) -> dict[str, Any]:
    """The values of every option that has one: what was set, defaults for the rest."""
    application = get(tx, model, name)
    return {**charm_of(tx, application).defaults(), **application.config}


def set_config(
    tx: Transaction,
    model: str,
    name: str,
    given: Mapping[str, Any] | None = None,
    unset: Sequence[str] = (),
) -> None:
    """Set options from text or YAML scalars, and reset others to their defaults.

    `trust` among them is the application's own.

    Raises:
        NotValid: an option that the charm lacks, or a value of another type.
    """
    application = get(tx, model, name)
    charm = charm_of(tx, application)
    changes, trust = _parsed_config(charm, given or {})
    known = charm.options()
    for option in unset:
        if option != "trust":
            options.known(known, option)
    merged = {**application.config, **changes}
    kept = {o: v for o, v in merged.items() if v is not None and o not in unset}
    trusted = application.trust if trust is None else trust
    columns: dict[str, Any] = {"trust": int(trusted and "trust" not in unset)}
    if kept != application.config:
        columns |= {"config_json": kept, "config_version": application.config_version + 1}
    tx.update("applications", {"model": model, "name": name}, **columns)
    touch_with_units(tx, model, name)


def set_constraints(tx: Transaction, model: str, name: str, wanted: Mapping[str, Any]) -> None:
    """Replace the constraints for units to come; the architecture stays as it is.

    Raises:
        NotSupported: another architecture.
        JujuError: the application is a subordinate, or not alive.
    """
    application = get(tx, model, name)
    if application.subordinate:
        raise errors.JujuError("constraints do not apply to subordinate applications")
    wanted = constraints.checked(wanted)
    current = application.constraints.get("arch")
    if wanted.get("arch") and current and wanted["arch"] != current:
        raise errors.NotSupported(f"changing architecture ({current}) not supported")
    if application.life != "alive":
        raise errors.JujuError("cannot set constraints: application is not found or not alive")
    tx.update("applications", {"model": model, "name": name}, constraints_json=wanted)
    tx.touch("application", model, name)


def set_base(tx: Transaction, model: str, name: str, base: str) -> None:
    """Let units to come run on another base.

    Raises:
        NotFound: no such application.
        NotSupported: its charm does not run on that base.
    """
    application = get(tx, model, name)
    wanted = full_base(base)
    supported = [f"{b['name']}@{b['channel']}" for b in charm_of(tx, application).bases]
    if supported and wanted not in supported:
        raise errors.NotSupported(
            f'base "{wanted}" not supported by charm, the charm supported bases are:'
            f" {', '.join(supported)}"
        )
    tx.update("applications", {"model": model, "name": name}, base=wanted)
    tx.touch("application", model, name)


def expose(
    tx: Transaction,
    model: str,
    name: str,
    endpoints: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> None:
    """Expose an application, or some of its endpoints, to CIDRs and spaces.

    `endpoints` maps an endpoint ("" is all) to {"expose-to-cidrs", "expose-to-spaces"};
    without any of them it is exposed to everyone.

    Raises:
        NotFound: no such endpoint or space.
        NotValid: not a CIDR.
    """
    application = get(tx, model, name)
    exposed = dict(application.exposed or {})
    for endpoint, to in (endpoints or {"": {}}).items():
        _check_endpoint(tx, application, endpoint)
        cidrs = sorted({*to.get("expose-to-cidrs", ())})
        allowed = sorted({*to.get("expose-to-spaces", ())})
        for cidr in cidrs:
            _check_cidr(cidr)
        for space in allowed:
            spaces.get(tx, model, space)
        exposed[endpoint] = {
            "expose-to-cidrs": cidrs or ([] if allowed else _EVERYWHERE),
            "expose-to-spaces": allowed,
        }
    tx.update("applications", {"model": model, "name": name}, exposed_json=exposed)
    tx.touch("application", model, name)


def unexpose(tx: Transaction, model: str, name: str, endpoints: Sequence[str] = ()) -> None:
    """Expose an application no longer, or only these endpoints no longer.

    Raises:
        NotFound: no such endpoint.
        JujuError: an endpoint that is not exposed.
    """
    application = get(tx, model, name)
    exposed = dict(application.exposed or {})
    for endpoint in endpoints:
        _check_endpoint(tx, application, endpoint)
        if endpoint not in exposed:
            raise errors.JujuError(f'endpoint "{endpoint}" is not exposed', code="bad request")
        del exposed[endpoint]
    remaining = exposed if endpoints and exposed else ""
    tx.update("applications", {"model": model, "name": name}, exposed_json=remaining)
    tx.touch("application", model, name)


def merge_bindings(
    tx: Transaction,
    model: str,
    name: str,
    bindings: Mapping[str, str],
    *,
    replace: bool = False,
) -> None:
    """Bind endpoints to other spaces; with `replace` the bindings that it had count no more.

    Raises:
        NotValid: no such endpoint.
        NotFound: no such space.
    """
    application = get(tx, model, name)
    merged = {**({} if replace else application.bindings), **bindings}
    checked = _bindings(tx, model, charm_of(tx, application), merged)
    tx.update("applications", {"model": model, "name": name}, bindings_json=checked)
    touch_with_units(tx, model, name)


def touch_with_units(tx: Transaction, model: str, name: str) -> None:
    """Let everyone look again at an application and its units."""
    tx.touch("application", model, name)
    for unit in units.names(tx, model, name):
        tx.touch("unit", model, unit)


def full_base(base: str) -> str:
    """A base with its risk: ubuntu@24.04 is ubuntu@24.04/stable."""
    if "@" not in base:
        raise errors.NotValid(f'base "{base}" not valid: expected <os>@<channel>')
    return base if "/" in base else f"{base}/stable"


def _check_placement(
    tx: Transaction, model: str, name: str, placements: Sequence[Placement | None]
) -> None:
    for placement in placements:
        if placement is None or not placement.directive or placement.scope == model:
            continue
        try:
            machines.get(tx, model, placement.directive)
        except errors.NotFound as missing:
            if placement.scope == MACHINE_SCOPE:
                where = f'cannot deploy "{name}" to machine {placement.directive}'
                raise errors.annotated(missing, where) from None
            raise


def _check_machines(
    tx: Transaction, application: Application, placements: Sequence[Placement | None]
) -> None:
    """Refuse before any unit is made what an existing machine cannot take."""
    for placement in placements:
        if placement is None or placement.scope != MACHINE_SCOPE:
            continue
        machine = machines.get(tx, application.model, placement.directive)
        if refusal := units.refusal_of(tx, application, machine):
            raise errors.JujuError(
                f'cannot add application "{application.name}": cannot deploy to machine'
                f" {machine.id}: {refusal}"
            )


def _parsed_config(charm: Charm, given: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """The charm's options, typed (None resets one), and `trust` where it is given."""
    own = {name: value for name, value in given.items() if name != "trust"}
    trust = None
    if "trust" in given:
        text = str(given["trust"]).lower()
        if text not in ("true", "false"):
            raise errors.NotValid(f'trust: expected bool, got string("{given["trust"]}")')
        trust = text == "true"
    resets = {name: None for name, value in own.items() if value is None}
    known = charm.options()
    for name in resets:
        options.known(known, name)
    values = {name: value for name, value in own.items() if value is not None}
    return {**options.parse(charm, values), **resets}, trust


def _check_new(tx: Transaction, model: str, name: str, charm: Charm, base: str) -> None:
    if not names.is_application(name):
        raise errors.NotValid("invalid name")
    if tx.one("SELECT 1 FROM applications WHERE model = ? AND name = ?", model, name):
        raise errors.AlreadyExists("application already exists")
    if tx.one("SELECT 1 FROM remote_applications WHERE model = ? AND name = ?", model, name):
        raise errors.AlreadyExists("saas application with same name already exists")
    models.alive(tx, model)
    systems = sorted({supported["name"] for supported in charm.bases})
    if systems and base.partition("@")[0] not in systems:
        raise errors.NotSupported(
            f'OS "{base.partition("@")[0]}" not supported by charm "{charm.name}",'
            f" supported OSes are: {', '.join(systems)}"
        )


def _own_constraints(
    tx: Transaction, model: str, charm: Charm, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """The application's constraints, with the architecture that it starts on, as Juju keeps it."""
    checked = constraints.checked(wanted)
    if charm.subordinate or checked.get("arch"):
        return checked
    return {**checked, "arch": models.get(tx, model).constraints.get("arch") or "amd64"}


def _bindings(
    tx: Transaction, model: str, charm: Charm, wanted: Mapping[str, str]
) -> dict[str, str]:
    """A space for every endpoint: the one asked for, else the default one."""
    endpoints = {*charm.endpoints(), *(charm.metadata.get("extra-bindings") or {})}
    known = {space.name for space in spaces.all_spaces(tx, model)}
    for endpoint, space in wanted.items():
        if endpoint and endpoint not in endpoints:
            raise errors.NotValid(f'unknown endpoint "{endpoint}" not valid')
        if space and space not in known:
            raise errors.NotFound(f'space "{space}" not found')
    default = wanted.get("") or models.get_config(tx, model)["default-space"] or "alpha"
    return {"": default} | {e: wanted.get(e) or default for e in sorted(endpoints)}


def _check_endpoint(tx: Transaction, application: Application, endpoint: str) -> None:
    if endpoint and endpoint not in application.bindings:
        raise errors.NotFound(f'endpoint "{endpoint}" not found')


def _check_cidr(cidr: str) -> None:
    try:
        ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise errors.NotValid(
            f'unable to parse "{cidr}" as a CIDR: invalid CIDR address: {cidr}'
        ) from None
