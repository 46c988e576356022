"""Is it safe to pause, reboot or remove these units? Every reason why not. Pure.

What must go on is known per charm: a majority of what votes, one of what only serves, no guest
on a hypervisor, no data on a disk alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Literal

import steps
from coherence import Finding
from planning.survey import Part, Survey
from snapshot import Snapshot, serving

if TYPE_CHECKING:
    from cloud import Unit
    from knowledge import Knowledge

Deed = Literal["pause", "reboot", "remove"]


def reasons(
    snapshot: Snapshot, knowledge: Knowledge, units: Collection[str], deed: Deed
) -> tuple[Finding, ...]:
    """Why it is not safe, each with its remedy; empty when it is.

    Args:
        snapshot: the whole cloud.
        knowledge: what the charm knows.
        units: the units that are named.
        deed: what is to be done with all of them at once. A reboot takes everything on their
            machines with it.
    """
    survey = Survey(snapshot, knowledge)
    unknown = [name for name in sorted(units) if snapshot.unit(name) is None]
    if unknown:
        return tuple(_finding(name, "no such unit", "juju status") for name in unknown)
    down = _down(snapshot, units, deed)
    found: list[Finding] = []
    for part in survey.parts.values():
        going = [unit for unit in part.application.units if unit.name in down]
        if not going:
            continue
        found += _quorum(part, going)
        found += _sealed(part, going, deed)
        found += _disks(survey, part, going)
    found += _guests(survey, down, deed)
    return tuple(found)


def _down(snapshot: Snapshot, units: Collection[str], deed: Deed) -> frozenset[str]:
    """Everything that stops, the subordinates of what stops with it."""
    named = [unit for name in units if (unit := snapshot.unit(name)) is not None]
    machines = {unit.machine for unit in named} if deed == "reboot" else set[str]()
    everything = [u for a in snapshot.cloud.applications.values() for u in a.units]
    stopped = {unit.name for unit in named}
    stopped |= {u.name for u in everything if _on(u.machine, machines)}
    stopped |= {u.name for u in everything if u.principal in stopped and deed != "pause"}
    return frozenset(stopped)


def _on(machine: str, machines: Collection[str]) -> bool:
    """On one of these machines, or in a container there."""
    return machine in machines or machine.partition("/")[0] in machines


def _quorum(part: Part, going: list[Unit]) -> Iterator[Finding]:
    if part.hypervisor or part.application.subordinate or part.upgrade.noout:
        return  # they serve their own machine only
    units, names = part.application.units, {unit.name for unit in going}
    left = [unit for unit in units if unit.name not in names and serving(unit)]
    least = len(units) // 2 + 1 if part.upgrade.quorum == "majority" and len(units) > 1 else 1
    if len(left) >= least:
        return
    what = "a majority of them must" if part.upgrade.quorum == "majority" else "one must"
    yield _finding(
        part.name,
        f"{len(left)} of {len(units)} units would be left serving, and {what}",
        "bring the others up first" if len(units) > 1 else f"juju add-unit {part.name} -n 2",
    )


def _sealed(part: Part, going: list[Unit], deed: Deed) -> Iterator[Finding]:
    if part.upgrade.sealed and deed == "reboot":
        names = ", ".join(unit.name for unit in going)
        yield Finding(
            "waiting",
            part.name,
            f"{names} comes back sealed",
            "have the unseal keys at hand",
        )


def _disks(survey: Survey, part: Part, going: list[Unit]) -> Iterator[Finding]:
    """Disks may go while Ceph is well, and within one failure domain."""
    monitors = survey.monitors.get(part.name)
    if monitors is None:
        return
    known = survey.snapshot.ceph or ()
    ceph = next((one for one in known if one.application == monitors), None)
    if ceph is None:
        problem = f"the health of {monitors} could not be read"
        yield _finding(part.name, problem, f"grant admin on the model; juju status {monitors}")
        return
    wrong = sorted(set(ceph.checks) - {steps.FLAGS_SET})
    if ceph.health != "HEALTH_OK" and (wrong or not ceph.checks):
        what = ", ".join(wrong) or ceph.health
        yield _finding(part.name, f"Ceph is not well: {what}", "wait until it is, or repair it")
    hosts = {_host(survey, unit) for unit in going}
    domains = survey.failure_domains(monitors, hosts)
    if len(domains) > 1:
        problem = f"disks of several failure domains would be gone: {', '.join(domains)}"
        yield _finding(part.name, problem, "one failure domain at a time")


def _host(survey: Survey, unit: Unit) -> str:
    machine = survey.snapshot.cloud.machine(unit)
    return machine.hostname if machine else ""


def _guests(survey: Survey, down: Collection[str], deed: Deed) -> Iterator[Finding]:
    if deed == "pause":
        return  # guests go on without the service that manages them
    nova = survey.snapshot.nova
    for part in survey.parts.values():
        for unit in part.application.units if part.hypervisor else ():
            if unit.name not in down:
                continue
            if nova is None:
                problem = "whether guests are on it could not be read from Nova"
                yield _finding(unit.name, problem, "relate identity-admin to Keystone")
                continue
            host = survey.snapshot.host(unit)
            guests = nova.guests_by_host.get(host, ())
            if guests:
                problem = f"{len(guests)} guests run on {host}, the first {guests[0].name}"
                yield _finding(unit.name, problem, f"plan request=drain hosts={host}")


def _finding(subject: str, problem: str, remedy: str) -> Finding:
    return Finding("blocked", subject, problem, remedy)
