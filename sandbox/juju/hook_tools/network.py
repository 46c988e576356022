"""network-get, unit-get, open-port, close-port, opened-ports."""

from __future__ import annotations

import re
from typing import Any

from sandbox.juju.engine.context import HookContext, PortRange
from sandbox.juju.hook_tools import lookup
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import applications, machines

BIND_ADDRESS = Flag(("--bind-address",), False)
INGRESS_ADDRESS = Flag(("--ingress-address",), False)
EGRESS_SUBNETS = Flag(("--egress-subnets",), False)
PRIMARY_ADDRESS = Flag(("--primary-address",), False)
ENDPOINTS = Flag(("--endpoints",))
ENDPOINTS_SHOWN = Flag(("--endpoints",), False)
LEGACY_FORMAT = Flag(("--format",))

_PORTS = re.compile(r"(?P<first>[0-9]+)(?:-(?P<last>[0-9]+))?(?:/(?P<protocol>tcp|udp))?\Z")


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
    return {
        "bind-addresses": [_interface(address) for address in addresses],
        "egress-subnets": egress,
        "ingress-addresses": [address["value"] for address in addresses],
    }


def _interface(address: dict[str, Any]) -> dict[str, Any]:
    return {
        "mac-address": address.get("mac", ""),
        "interface-name": address.get("interface", "eth0"),
        "addresses": [
            {"hostname": "", "value": address["value"], "cidr": address.get("cidr", "")}
        ],
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


def open_port(context: HookContext, invocation: Invocation) -> Answer:
    """Ask for a port range to be reachable, once the hook has succeeded."""
    for ports in _ranges(invocation):
        context.closed.discard(ports)
        context.opened.add(ports)
    return NOTHING


def close_port(context: HookContext, invocation: Invocation) -> Answer:
    """Ask for a port range not to be reachable any more."""
    for ports in _ranges(invocation):
        context.opened.discard(ports)
        context.closed.add(ports)
    return NOTHING


def opened_ports(context: HookContext, invocation: Invocation) -> Answer:
    """The port ranges that the unit has open, without what this hook changes, as in Juju."""
    invocation.expect(0)
    ranges = [port_range(document) for document in context.refresh_unit().ports]
    texts: dict[str, set[str]] = {}
    for ports in sorted(ranges, key=lambda r: (r.protocol, r.first, r.last)):
        texts.setdefault(ports.text, set()).add(ports.endpoint or "*")
    if not invocation[ENDPOINTS_SHOWN]:
        return formatted(invocation, list(texts))
    return formatted(
        invocation, [f"{text} ({', '.join(sorted(names))})" for text, names in texts.items()]
    )


def port_range(document: dict[str, Any]) -> PortRange:
    """A port range as the store keeps it."""
    return PortRange(
        document["protocol"],
        document["from-port"],
        document["to-port"],
        document.get("endpoint", ""),
    )


def _ranges(invocation: Invocation) -> list[PortRange]:
    if not invocation.arguments:
        raise UsageError("no port or range specified")
    protocol, first, last = _parse(invocation.first().lower())
    invocation.expect(1)
    endpoints = invocation[ENDPOINTS].split(",") if invocation[ENDPOINTS] else [""]
    return [PortRange(protocol, first, last, endpoint.strip()) for endpoint in endpoints]


def _parse(text: str) -> tuple[str, int, int]:
    if text == "icmp":
        return "icmp", -1, -1
    match = _PORTS.match(text)
    if match is None:
        raise UsageError(f'invalid port or port range "{text}"')
    first = int(match["first"])
    last = int(match["last"] or first)
    if not 0 < first <= last <= 65535:
        raise UsageError(f"invalid port range {text}: ports must be between 1 and 65535, in order")
    return match["protocol"] or "tcp", first, last
