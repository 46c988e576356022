"""`juju status --format oneline` and `--format summary` (cmd/juju/status/output_*.go)."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.juju.cli.output import naturally
from sandbox.juju.cli.ports import ports_text
from sandbox.juju.cli.table import aligned


def oneline_text(document: Mapping[str, Any]) -> str:
    """One line per unit: `- keystone/0: 10.0.0.1 (agent:idle, workload:active) 5000/tcp`."""
    lines = []
    for name, unit, level in all_units(document):
        agent = unit["juju-status"].get("current", "")
        workload = unit["workload-status"].get("current", "")
        ports = unit.get("open-ports")
        lines.append(
            f"{'  ' * level}- {name}: {unit.get('public-address', '')} "
            f"(agent:{agent}, workload:{workload})" + (f" {ports_text(ports)}" if ports else "")
        )
    return "".join(f"{line}\n" for line in lines)


def summary_text(document: Mapping[str, Any]) -> str:
    """Subnets and ports in use, and counts of machines, units and applications by state."""
    units = [unit for _, unit, _ in all_units(document)]
    ports = {port for unit in units for port in unit.get("open-ports") or ()}
    addresses = [machine.get("dns-name", "") for machine in document["machines"].values()]
    addresses += [unit.get("public-address", "") for unit in units]
    head = [
        ["Running on subnets:", ", ".join(_subnets(addresses)), ""],
        [" Utilizing ports:", ports_text(ports), ""],
    ]
    machine_states = Counter(
        machine["juju-status"].get("current") or "pending"
        for machine in document["machines"].values()
    )
    unit_states = Counter(unit["workload-status"].get("current", "") for unit in units)
    applications = document["applications"]
    counts = [["# Machines:", f"({len(document['machines'])})", ""]]
    counts += _state_rows(machine_states)
    counts += [["# Units:", f"({len(units)})", ""], *_state_rows(unit_states)]
    counts += [["# Applications:", f"({len(applications)})", ""]]
    counts += [
        [name, f"{int(bool(applications[name].get('exposed')))}/1", "exposed", ""]
        for name in naturally(applications)
    ]
    counts += [[" ", ""]]
    remote = document.get("application-endpoints") or {}
    counts += [["# Remote:", f"({len(remote)})", ""]]
    counts += [[name, "", remote[name]["url"], ""] for name in naturally(remote)]
    right = frozenset(range(4))
    lines = [*aligned(head), *aligned(counts, right)]
    return "".join(f"{line}\n" for line in lines)


def all_units(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    """Every unit with its depth: principals, each followed by its subordinates."""
    for application in naturally(document["applications"]):
        yield from _below(document["applications"][application].get("units") or {}, 0)


def _below(units: Mapping[str, Any], level: int) -> Iterator[tuple[str, Mapping[str, Any], int]]:
    for name in naturally(units):
        yield name, units[name], level
        yield from _below(units[name].get("subordinates") or {}, level + 1)


def _state_rows(states: Mapping[str, int]) -> list[list[str]]:
    rows = [[f"{state}:", f" {states[state]} ", ""] for state in naturally(states)]
    return [*rows, [" ", ""]]


def _subnets(addresses: list[str]) -> list[str]:
    """The classful networks of the addresses, each once, as Go's DefaultMask finds them."""
    networks: list[ipaddress.IPv4Network] = []
    shown: list[str] = []
    for text in addresses:
        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            continue
        if any(address in network for network in networks):
            continue
        first = address.packed[0]
        length = 8 if first < 128 else 16 if first < 192 else 24
        networks.append(ipaddress.IPv4Network(f"{address}/{length}", strict=False))
        shown.append(f"{address}/{length}")
    return shown
