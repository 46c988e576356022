"""open-port, close-port, opened-ports."""

from __future__ import annotations

import re

from sandbox.juju.engine import port_ranges
from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.port_ranges import PortRange
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import units

ENDPOINTS = Flag(("--endpoints",))
ENDPOINTS_SHOWN = Flag(("--endpoints",), False)

_NUMBER = re.compile(r"[+-]?[0-9]+\Z")
_PROTOCOLS = ("tcp", "udp", "icmp")


def open_port(context: HookContext, invocation: Invocation) -> Answer:
    """Ask for a port range to be reachable, once the hook has succeeded."""
    for wanted in _ranges(invocation):
        context.closed.discard(wanted)
        in_the_way = port_ranges.conflict(wanted, _own(context), _beside(context))
        if in_the_way is not None:
            found, unit = in_the_way
            earlier = " requested earlier" if found in context.opened else ""
            raise ToolError(
                f'cannot open {wanted.text} (unit "{context.unit.name}"): port range conflicts'
                f' with {found.text} (unit "{unit or context.unit.name}"){earlier}'
            )
        context.opened.add(wanted)
    return NOTHING


def close_port(context: HookContext, invocation: Invocation) -> Answer:
    """Ask for a port range not to be reachable any more."""
    for ports in _ranges(invocation):
        context.opened.discard(ports)
        context.closed.add(ports)
    return NOTHING


def opened_ports(context: HookContext, invocation: Invocation) -> Answer:
    """The port ranges that the unit has open, with what this hook changes."""
    invocation.expect(0)
    texts: dict[str, set[str]] = {}
    for ports in sorted(_own(context), key=lambda r: r.ports):
        texts.setdefault(ports.text, set()).add(ports.endpoint)
    if not invocation[ENDPOINTS_SHOWN]:
        return formatted(invocation, list(texts))
    return formatted(
        invocation,
        [
            f"{text} ({'*' if '' in names else ', '.join(sorted(names))})"
            for text, names in texts.items()
        ],
    )


def _own(context: HookContext) -> set[PortRange]:
    stored = map(PortRange.from_document, context.refresh_unit().ports)
    return port_ranges.after(stored, context.opened, context.closed)


def _beside(context: HookContext) -> dict[str, list[PortRange]]:
    """What the other units of the machine have open."""
    if not context.unit.machine:
        return {}
    with context.store.transaction() as tx:
        found = units.on_machine(tx, context.model, context.unit.machine)
    return {
        unit.name: [PortRange.from_document(document) for document in unit.ports]
        for unit in found
        if unit.name != context.unit.name
    }


def _ranges(invocation: Invocation) -> list[PortRange]:
    if not invocation.arguments:
        raise UsageError("no port or range specified")
    protocol, first, last = _parse(invocation.first().lower())
    invocation.expect(1)
    endpoints = invocation[ENDPOINTS].split(",") if invocation[ENDPOINTS] else [""]
    return [PortRange(protocol, first, last, endpoint.strip()) for endpoint in endpoints]


def _parse(text: str) -> tuple[str, int, int]:
    """core/network/portrange.go ParsePortRange and Validate."""
    ports, slash, protocol = text.partition("/")
    if ports == "icmp":
        return "icmp", -1, -1
    parts = ports.split("-")
    if len(parts) > 2:
        raise UsageError(f'invalid port range "{ports}"')
    first, last = _number(parts[0]), _number(parts[-1])
    protocol = protocol if slash else "tcp"
    if protocol not in _PROTOCOLS:
        raise UsageError(f'invalid protocol "{protocol}", expected "tcp", "udp", or "icmp"')
    if protocol == "icmp":
        raise UsageError(f'protocol "icmp" doesn\'t support any ports; got "{first}"')
    if first > last:
        raise UsageError(f"invalid port range {PortRange(protocol, first, last).text}")
    if last > 65535:
        raise UsageError(f"port range bounds must be between 0 and 65535, got {first}-{last}")
    return protocol, first, last


def _number(text: str) -> int:
    if not _NUMBER.match(text):
        raise UsageError(f'invalid port "{text}": strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
