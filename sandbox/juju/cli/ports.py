"""Opened ports in one short text, as `juju status` groups them (output_tabular.go)."""

from __future__ import annotations

from collections.abc import Iterable


def ports_text(ports: Iterable[str]) -> str:
    """`80,443,8000-8002/tcp 53/udp`: ports by protocol, runs of numbers as ranges."""
    protocols: dict[str, list[str]] = {}
    for port in sorted(ports, key=lambda text: (len(text), text)):
        number, slash, protocol = port.partition("/")
        key = f"/{protocol}" if slash else number
        protocols.setdefault(key, []).append(number if slash else "")
    return " ".join(_one_protocol(key, protocols[key]) for key in sorted(protocols))


def _one_protocol(key: str, numbers: list[str]) -> str:
    runs: list[list[str]] = []
    for number in numbers:
        joins = (
            runs
            and number.isdigit()
            and runs[-1][-1].isdigit()
            and int(number) == int(runs[-1][-1]) + 1
        )
        if joins:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ",".join(part for part in shown if part) + key
