"""network-get, unit-get."""

from __future__ import annotations

from typing import Any

from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools import lookup
from sandbox.juju.hook_tools.answer import Answer, formatted
from sandbox.juju.hook_tools.invocation import FORMAT, Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import applications, machines

BIND_ADDRESS = Flag(("--bind-address",), False)
INGRESS_ADDRESS = Flag(("--ingress-address",), False)
EGRESS_SUBNETS = Flag(("--egress-subnets",), False)
PRIMARY_ADDRESS = Flag(("--primary-address",), False)
LEGACY_FORMAT = Flag(("--format",))


def get(context: HookContext, invocation: Invocation) -> Answer:
    """The addresses of one of the charm's bindings."""
    if not invocation.arguments:
        raise UsageError("no arguments specified")
    binding = invocation.first()
    if not binding:
        raise UsageError("no binding name specified")
    invocation.expect(1)
    lookup.optional_relation(context, invocation)
    addresses = _bound(context, binding)
    if not addresses:
        raise ToolError(f'no network config found for binding "{binding}"')
    return formatted(invocation, _shown(invocation, addresses))


def _shown(invocation: Invocation, addresses: list[dict[str, Any]]) -> Any:
    first = addresses[0]["value"]
    egress = [f"{first}/32"]
    wanted = {
        name: value
        for flag, name, value in (
            (BIND_ADDRESS, "bind-address", first),
            (INGRESS_ADDRESS, "ingress-address", first),
            (EGRESS_SUBNETS, "egress-subnets", egress),
        )
        if invocation[flag]
    }
    if invocation[PRIMARY_ADDRESS]:
        if wanted:
            raise ToolError("--primary-address must be the only flag specified")
        return first
    if wanted:
        return next(iter(wanted.values())) if len(wanted) == 1 else wanted
    as_yaml = invocation[FORMAT] != "json"
    return {
        "bind-addresses": [_interface(address, as_yaml=as_yaml) for address in addresses],
        "egress-subnets": egress,
        "ingress-addresses": [address["value"] for address in addresses],
    }


def _interface(address: dict[str, Any], *, as_yaml: bool) -> dict[str, Any]:
    """One interface; in YAML with the names that older charms look for too."""
    mac, name = address.get("mac", ""), address.get("interface", "eth0")
    shown = {"hostname": "", "value": address["value"], "cidr": address.get("cidr", "")}
    if not as_yaml:
        return {"mac-address": mac, "interface-name": name, "addresses": [shown]}
    return {
        "mac-address": mac,
        "interface-name": name,
        "addresses": [{**shown, "address": address["value"]}],
        "macaddress": mac,
        "interfacename": name,
    }


def _bound(context: HookContext, binding: str) -> list[dict[str, Any]]:
    """The machine's addresses in the space that the binding has; all, where it has none there."""
    with context.store.transaction() as tx:
        application = applications.get(tx, context.model, context.application)
        charm = applications.charm_of(tx, application)
        extra = charm.metadata.get("extra-bindings") or {}
        if binding and binding not in charm.endpoints() and binding not in extra:
            return []
        machine = context.unit.machine
        known = machines.get(tx, context.model, machine).addresses if machine else []
    space = application.bindings.get(binding) or application.bindings.get("") or "alpha"
    return [address for address in known if address.get("space") == space] or known[:1]


def unit_get(context: HookContext, invocation: Invocation) -> Answer:
    """The unit's private or public address."""
    if not invocation.arguments:
        raise UsageError("no setting specified")
    key = invocation.first()
    if key not in ("private-address", "public-address"):
        raise UsageError(f'unknown setting "{key}"')
    invocation.expect(1)
    addresses = _bound(context, "")
    if not addresses:
        raise ToolError(f'"{key}" not found')
    return formatted(invocation, addresses[0]["value"])
