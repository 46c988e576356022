"""Why something is not well: the chain of causes, from a unit down to its metal. Pure.

A unit that waits does so for another application, for its machine, or by its own fault. Each
link of a chain names the next cause; the last one is where to begin.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import coherence
from snapshot import Node, Snapshot, serving

if TYPE_CHECKING:
    from cloud import Application, Machine, Unit
    from coherence import Member
    from knowledge import Knowledge

_DEPTH = 8
"""Links of a chain: more are a circle of applications that wait for each other."""


@dataclasses.dataclass(frozen=True)
class Link:
    """One cause."""

    kind: str
    """unit, relation, machine, node."""
    subject: str
    problem: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.problem}"


@dataclasses.dataclass(frozen=True)
class Chain:
    """What is not well, and what it comes from, in this order."""

    links: tuple[Link, ...]
    remedy: str
    """For the last one; empty where none is known."""


def chains(snapshot: Snapshot, knowledge: Knowledge, subject: str = "") -> tuple[Chain, ...]:
    """The chains of every unit that is not well, those with the same root once.

    Args:
        snapshot: the whole cloud.
        knowledge: what the charm knows.
        subject: a unit or an application; empty for all of OpenStack's.
    """
    search = _Search(snapshot, knowledge)
    units = [
        unit
        for application in snapshot.cloud.applications.values()
        for unit in application.units
        if _asked(unit, application, subject, search) and not serving(unit)
    ]
    found: dict[tuple[Link, ...], Chain] = {}
    for unit in units:
        links = search.of_unit(unit)
        # One root is told once, by its shortest way.
        root = links[-1:]
        if root not in found or len(links) < len(found[root].links):
            found[root] = Chain(links, search.remedy(links))
    return tuple(found.values())


def shown(found: tuple[Chain, ...]) -> str:
    """The chains for a terminal."""
    blocks = []
    for chain in found:
        lines = [f"{'  ' * depth}{link}" for depth, link in enumerate(chain.links)]
        if chain.remedy:
            lines.append(f"remedy: {chain.remedy}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _asked(unit: Unit, application: Application, subject: str, search: _Search) -> bool:
    if subject:
        return subject in (unit.name, application.name)
    return application.name in search.members


class _Search:
    """The snapshot, indexed for the search of causes."""

    def __init__(self, snapshot: Snapshot, knowledge: Knowledge) -> None:
        self._snapshot = snapshot
        found = coherence.members(snapshot.cloud, knowledge)
        self.members: dict[str, Member] = {m.application.name: m for m in found}
        self._findings = coherence.findings(snapshot.cloud, knowledge)

    def of_unit(self, unit: Unit, before: tuple[str, ...] = ()) -> tuple[Link, ...]:
        """The chain that begins with a unit."""
        said = f"{unit.workload}: {unit.message}" if unit.message else unit.workload
        if unit.agent in ("lost", "error", "failed"):
            said = f"agent {unit.agent}, {said}"
        own = Link("unit", unit.name, said)
        machine = tuple(self._of_machine(self._snapshot.cloud.machine(unit)))
        if machine:
            return (own, *machine)
        if unit.agent == "error" or len(before) >= _DEPTH:
            return (own,)
        return (own, *self._of_relations(unit, (*before, unit.application)))

    def _of_relations(self, unit: Unit, before: tuple[str, ...]) -> tuple[Link, ...]:
        """The first related application that the unit needs and that is not well itself."""
        application = self._snapshot.cloud.applications[unit.application]
        member = self.members.get(unit.application)
        needs = (*member.charm.needs, *member.charm.several) if member else ()
        # What the unit itself names comes first.
        ordered = sorted(needs, key=lambda need: need.endpoint not in unit.message)
        for need in ordered:
            for name in application.relations.get(need.endpoint, ()):
                cause = self._unwell(name) if name not in before else None
                if cause is not None:
                    link = Link("relation", f"{unit.application}:{need.endpoint}", f"with {name}")
                    return (link, *self.of_unit(cause, before))
        for finding in self._findings:
            if finding.subject == unit.application and "not related" in finding.problem:
                return (Link("relation", unit.application, finding.problem),)
        return ()

    def _unwell(self, name: str) -> Unit | None:
        """The worst unit of an application, if it keeps the application from serving at all."""
        application = self._snapshot.cloud.applications.get(name)
        units = application.units if application else ()
        if any(serving(unit) for unit in units):
            return None
        worst = sorted(units, key=lambda unit: (unit.agent != "error", unit.workload != "blocked"))
        return worst[0] if worst else None

    def _of_machine(self, machine: Machine | None) -> Iterator[Link]:
        if machine is None:
            return
        well = machine.provisioned and machine.agent in ("started", "", "idle")
        host = self._snapshot.cloud.host(machine)
        if well:
            if host is not None:
                yield from self._of_machine(host)
            return
        said = machine.message or machine.agent or machine.status
        name = f"{machine.id} ({machine.hostname})" if machine.hostname else machine.id
        yield Link("machine", name, f"{machine.status or machine.agent}: {said}")
        if host is not None:
            yield from self._of_machine(host)
        node = self._node(machine)
        if node is not None:
            why = "; ".join(node.reasons)
            yield Link("node", node.hostname or node.system_id, why or f"it is {node.state}")

    def _node(self, machine: Machine) -> Node | None:
        """The metal of a machine where it explains something."""
        node = (self._snapshot.nodes or {}).get(machine.instance_id)
        return node if node and (node.reasons or node.state == "unfit") else None

    def remedy(self, links: tuple[Link, ...]) -> str:
        """What to do about the last link."""
        last = links[-1]
        if last.kind == "node":
            return "repair the machine, or give its role to another one of the pool"
        unit = last.subject.partition(" ")[0]
        for finding in self._findings:
            if finding.subject in (unit, last.subject) or str(finding) == str(last):
                return finding.remedy
        if last.kind == "unit":
            return f"juju debug-log --include {unit} --replay"
        return ""
