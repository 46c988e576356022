"""network-get, unit-get."""

from __future__ import annotations

from typing import Any

from sandbox.juju.engine.context import ContextRelation, HookContext
from sandbox.juju.hook_tools import lookup
from sandbox.juju.hook_tools.answer import Answer, formatted
from sandbox.juju.hook_tools.invocation import FORMAT, Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import relations, units
from sandbox.juju.state.networks import Network, UnitNetworks

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
    relation = lookup.optional_relation(context, invocation)
    network = _network(context, binding, relation)
    if network is None or not network.addresses:
        raise ToolError(f'no network config found for binding "{binding}"')
    return formatted(invocation, _shown(invocation, network))


def _shown(invocation: Invocation, network: Network) -> Any:
    first = network.addresses[0]["value"]
    wanted = {
        name: value
        for flag, name, value in (
            (BIND_ADDRESS, "bind-address", first),
            (INGRESS_ADDRESS, "ingress-address", network.ingress[0]),
            (EGRESS_SUBNETS, "egress-subnets", network.egress),
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
        "bind-addresses": _interfaces(network, as_yaml=as_yaml),
        "egress-subnets": network.egress,
        "ingress-addresses": network.ingress,
    }


def _interfaces(network: Network, *, as_yaml: bool) -> list[dict[str, Any]]:
    """The interfaces; in YAML with the names that older charms look for too."""
    shown: dict[str, dict[str, Any]] = {}
    for address in network.addresses:
        mac, name = address.get("mac", ""), address.get("device", "eth0")
        older = {"macaddress": mac, "interfacename": name} if as_yaml else {}
        interface = shown.setdefault(
            name, {"mac-address": mac, "interface-name": name, "addresses": [], **older}
        )
        value = address["value"]
        alias = {"address": value} if as_yaml else {}
        cidr = address.get("cidr", "")
        interface["addresses"].append({"hostname": "", "value": value, "cidr": cidr, **alias})
    return list(shown.values())


def _network(
    context: HookContext, binding: str, relation: ContextRelation | None
) -> Network | None:
    """The network of a binding; None where the charm has none of that name."""
    with context.store.transaction() as tx:
        known = UnitNetworks(tx, context.unit)
        if not known.has(binding):
            return None
        if relation is None or relation.endpoint != binding:
            return known.of_endpoint(binding)
        found = relations.get(tx, context.model, relation.id)
        return known.of_endpoint(binding, found)


def unit_get(context: HookContext, invocation: Invocation) -> Answer:
    """The unit's private or public address."""
    if not invocation.arguments:
        raise UsageError("no setting specified")
    key = invocation.first()
    if key not in ("private-address", "public-address"):
        raise UsageError(f'unknown setting "{key}"')
    invocation.expect(1)
    with context.store.transaction() as tx:
        address = units.address(tx, context.unit)
        if key == "private-address":
            bound = UnitNetworks(tx, context.unit).of_endpoint("").addresses
            address = bound[0]["value"] if bound else address
    if not address:
        raise ToolError(f'"{key}" not found')
    return formatted(invocation, address)
