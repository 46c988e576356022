"""What is missing or incoherent in a cloud, each with its remedy.

Pure: one cloud and the knowledge go in, findings come out, in an order that depends on neither
the order of the input nor the hash seed.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import steps

if TYPE_CHECKING:  # the knowledge needs pydantic, which costs a hook as much as ops does
    from cloud import Application, Cloud, Machine, Unit
    from knowledge import Charm, Knowledge, Need, Release

Severity = Literal["blocked", "waiting"]

_PENDING = frozenset({"", "pending", "allocating", "provisioning"})
_GOING = frozenset({"dying", "dead"})
_LOST = frozenset({"down", "error"})
_SETTLING = frozenset({"waiting", "maintenance", "unknown", ""})


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing between the cloud and being ready."""

    severity: Severity
    """blocked: an operator must act. waiting: it is expected to pass by itself."""
    subject: str
    """The application, unit, machine or role that it is about."""
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


@dataclasses.dataclass(frozen=True)
class Member:
    """An application that is part of OpenStack, and what is known of its charm."""

    application: Application
    charm: Charm


def findings(cloud: Cloud, knowledge: Knowledge) -> tuple[Finding, ...]:
    """Everything found: what blocks first, then roles, machines, and applications by group."""
    import agreements  # which speaks of findings and members, too

    known = members(cloud, knowledge)
    release = current_release(known, knowledge)
    names = {member.application.name for member in known}
    found: list[Finding] = [*_roles(known, knowledge), *_machines(cloud, names)]
    for member in known:
        found += _relations(member, known, knowledge)
        found += _counts(member)
        found += _channel(member, release, knowledge)
        found += _origin(member, release)
        found += _versions(member.application)
        found += _units(member.application, cloud)
    found += agreements.findings(known, cloud, knowledge)
    return tuple(sorted(found, key=lambda finding: finding.severity != "blocked"))


def troubles(cloud: Cloud, names: Collection[str]) -> tuple[Finding, ...]:
    """What is wrong now with the machines and units of these applications, whatever they run."""
    applications = [cloud.applications[name] for name in sorted(names)]
    units = (finding for application in applications for finding in _units(application, cloud))
    return (*_machines(cloud, names), *units)


def members(cloud: Cloud, knowledge: Knowledge) -> tuple[Member, ...]:
    """The applications that make up OpenStack, by group and name."""
    order = {group: place for place, group in enumerate(knowledge.groups)}
    known = (
        Member(application, knowledge.charms[application.charm])
        for application in cloud.applications.values()
        if application.charm in knowledge.charms and application.life not in _GOING
    )
    return tuple(sorted(known, key=lambda m: (order[m.charm.group], m.application.name)))


def current_release(known: Sequence[Member], knowledge: Knowledge) -> Release | None:
    """The release that most of the applications with a track of OpenStack's follow.

    In a tie it is the older one: what is behind decides what the cloud can do.
    """
    following = collections.Counter(
        release.name
        for member in known
        for release in knowledge.releases
        if member.application.track in release.tracks.get(member.charm.family or "", ())
    )
    best = max(following.values(), default=0)
    leading = (r for r in knowledge.releases if best and following[r.name] == best)
    return next(leading, None)


def _roles(known: Sequence[Member], knowledge: Knowledge) -> Iterator[Finding]:
    filled = {member.charm.role for member in known}
    for name, role in knowledge.roles.items():
        if role.required and name not in filled:
            yield Finding(
                "blocked",
                role.title,
                "no application provides it",
                f"juju deploy {role.deploy}, and relate it as in the bundle",
            )


def _relations(member: Member, known: Sequence[Member], knowledge: Knowledge) -> Iterator[Finding]:
    filled = {other.charm.role for other in known}
    application, charm = member.application, member.charm
    for need in (*charm.needs, *(charm.several if len(application.units) > 1 else ())):
        if need.when is None or need.when in filled:
            yield from _missing(application, need, known, knowledge)
            yield from _unset(application, need)


def _unset(application: Application, need: Need) -> Iterator[Finding]:
    options = need.options
    if options and application.options and not any(map(application.options.get, options)):
        yield Finding(
            "blocked",
            application.name,
            f"{len(application.units)} units and no {' or '.join(options)}",
            f"juju config {application.name} {options[0]}=...",
        )


def _missing(
    application: Application,
    need: Need,
    known: Sequence[Member],
    knowledge: Knowledge,
) -> Iterator[Finding]:
    if application.relations.get(need.endpoint):
        return
    titles = " or ".join(knowledge.roles[role].title for role in need.roles)
    yield Finding(
        "blocked",
        application.name,
        f"{need.endpoint} is not related to a {titles}",
        _how_to_relate(application, need, known, knowledge),
    )


def _how_to_relate(
    application: Application,
    need: Need,
    known: Sequence[Member],
    knowledge: Knowledge,
) -> str:
    candidates = [o.application.name for o in known if o.charm.role in need.roles]
    if not candidates:
        deploy = knowledge.roles[need.roles[0]].deploy
        return f"juju deploy {deploy}, then relate it to {application.name}:{need.endpoint}"
    # One router or membership agent serves one application and is usually named after it.
    candidates.sort(key=lambda name: (not name.startswith(application.name), name))
    chosen = candidates[0] if len(candidates) == 1 else f"<one of {', '.join(candidates)}>"
    return f"juju integrate {application.name}:{need.endpoint} {chosen}"


def _counts(member: Member) -> Iterator[Finding]:
    application, charm = member.application, member.charm
    count = len(application.units)
    if application.subordinate:
        if not application.attached:
            remedy = f"juju integrate {application.name} <the application that it serves>"
            yield Finding("blocked", application.name, "is attached to no application", remedy)
    elif count == 0:
        yield Finding(
            "blocked", application.name, "has no unit", f"juju add-unit {application.name}"
        )
    elif charm.counts and count not in charm.counts:
        more = next((sound for sound in charm.counts if sound > count), None)
        remedy = (
            f"juju add-unit {application.name} -n {more - count}"
            if more
            else f"remove units of {application.name}, one at a time"
        )
        sound = ", ".join(map(str, charm.counts))
        yield Finding("blocked", application.name, f"{count} units; sound are {sound}", remedy)


def _channel(member: Member, release: Release | None, knowledge: Knowledge) -> Iterator[Finding]:
    application, family = member.application, member.charm.family
    if family is None or not application.channel:
        return
    if family in knowledge.independent_tracks:
        whole, tracks = family, knowledge.independent_tracks[family]
    elif release is not None:
        whole, tracks = f"OpenStack {release.name}", release.tracks[family]
    else:
        problem = f"follows {application.channel}, of no release that is known"
        remedy = f"juju refresh {application.name} --channel <track of the release>/stable"
        yield Finding("blocked", application.name, problem, remedy)
        return
    if application.track not in tracks:
        yield Finding(
            "blocked",
            application.name,
            f"follows {application.channel} while {whole} goes with {' or '.join(tracks)}",
            f"juju refresh {application.name} --channel {max(tracks)}/stable",
        )


def _origin(member: Member, release: Release | None) -> Iterator[Finding]:
    application, charm = member.application, member.charm
    if charm.origin is None or release is None or charm.origin not in application.options:
        return
    right = release.origins.get(application.base)
    if right is None:
        yield Finding(
            "blocked",
            application.name,
            f"runs on {application.base}, which has no OpenStack {release.name}",
            f"move it to {' or '.join(release.origins)}",
        )
        return
    value = application.options[charm.origin] or ""
    if value not in right:
        yield Finding(
            "blocked",
            application.name,
            f"{charm.origin} is {value or 'empty'!r}, not of OpenStack {release.name}",
            f"juju config {application.name} {charm.origin}={right[-1]}",
        )


def _versions(application: Application) -> Iterator[Finding]:
    versions = {unit.version: unit.name for unit in application.units if unit.version}
    if len(versions) > 1:
        named = ", ".join(f"{version} on {versions[version]}" for version in sorted(versions))
        problem = f"its units run different versions: {named}"
        remedy = "finish the upgrade that was begun, one unit at a time"
        yield Finding("blocked", application.name, problem, remedy)


def _units(application: Application, cloud: Cloud) -> Iterator[Finding]:
    for unit in application.units:
        machine = cloud.machine(unit)
        if machine is None or not _in_trouble(machine, cloud):
            finding = _unit(unit)
            if finding is not None:
                yield finding


def _unit(unit: Unit) -> Finding | None:
    said = f": {unit.message}" if unit.message else ""
    if unit.workload == "error" or unit.agent in ("error", "failed"):
        remedy = f"juju debug-log --replay --include {unit.name}; then juju resolve {unit.name}"
        return Finding("blocked", unit.name, f"in error{said}", remedy)
    if unit.agent == "lost":
        remedy = f"look at machine {unit.machine or '(none)'} and its power"
        return Finding("blocked", unit.name, "its agent does not answer", remedy)
    if unit.workload in ("blocked", "terminated"):
        remedy = "its own message says what it needs"
        return Finding("blocked", unit.name, f"{unit.workload}{said}", remedy)
    if unit.workload in _SETTLING:
        remedy = f"if it does not pass: juju show-status-log {unit.name}"
        if unit.message.startswith(steps.PAUSED):
            remedy = f"somebody paused it: juju run {unit.name} resume"
        return Finding("waiting", unit.name, f"{unit.workload or 'unknown'}{said}", remedy)
    return None


def _in_trouble(machine: Machine, cloud: Cloud) -> bool:
    """The machine or its host has a finding of its own, which says why nothing on it works."""
    host = cloud.host(machine)
    lost = not machine.provisioned or machine.agent in _LOST
    return lost or (host is not None and _in_trouble(host, cloud))


def _machines(cloud: Cloud, names: Collection[str]) -> Iterator[Finding]:
    used = {unit.machine for name in names for unit in cloud.applications[name].units}
    used |= {machine.partition("/")[0] for machine in used}
    for machine in cloud.machines.values():
        host = cloud.host(machine)
        if machine.id in used and (host is None or not _in_trouble(host, cloud)):
            finding = _machine(machine)
            if finding is not None:
                yield finding


def _machine(machine: Machine) -> Finding | None:
    subject = f"machine {machine.id}"
    said = f": {machine.message}" if machine.message else ""
    if machine.provisioned:
        if machine.agent not in _LOST:
            return None
        problem = f"its agent is {machine.agent}"
        return Finding("blocked", subject, problem, "look at its power and its network")
    if machine.status in _PENDING or machine.transient:
        return Finding("waiting", subject, f"pending{said}", "wait")
    retry = f"juju retry-provisioning {machine.id}"
    if not machine.unmatched:
        problem = f"{machine.status}{said}"
        return Finding("blocked", subject, problem, f"mend the cause, then: {retry}")
    wanted = " ".join(f"{key}={value}" for key, value in sorted(machine.constraints.items()))
    problem = f"no machine in MAAS is ready for its constraints {wanted}"
    remedy = f"make one ready; where node-pool is not related, then: {retry}"
    return Finding("waiting", subject, problem, remedy)
