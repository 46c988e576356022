"""What must hold before anything is begun: every reason at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import capacity
import coherence
import steps
from coherence import Finding
from snapshot import at_least, paused

from planning import leftovers
from planning.outcome import reason

if TYPE_CHECKING:
    from knowledge import Precondition, Release
    from snapshot import Nova

    from planning.request import Terms
    from planning.survey import Part, Survey

_CURED = {steps.FLAGS_SET, steps.UPGRADE_FINISHED}
"""Checks of Ceph that are told by their flag, or that the plan itself puts right first."""
_AT_WORK = ("executing", "allocating", "rebooting")


def well(survey: Survey, parts: Collection[Part]) -> Iterator[Finding]:
    """Units and machines in trouble, or still at work; what was left halfway is neither."""
    cloud = survey.snapshot.cloud
    names = {part.name for part in parts}
    left = {u.name for part in parts for u in part.application.units if paused(u)}
    held = {unit.name for _, unit in leftovers.held(survey)}
    for finding in coherence.troubles(cloud, names):
        if finding.subject not in left:
            yield finding
    for part in parts:
        for unit in part.application.units:
            at_work = unit.workload == "active" and unit.agent in _AT_WORK
            if at_work and unit.name not in held:
                remedy = f"wait, or see what it does: juju show-status-log {unit.name}"
                yield Finding("waiting", unit.name, "its agent is at work", remedy)


def nova(survey: Survey) -> Iterator[Finding]:
    """Without Nova no hypervisor is touched, and neither is one that Nova and Juju disagree on."""
    parts = [part for part in survey.parts.values() if part.hypervisor]
    if parts and survey.snapshot.nova is None:
        remedy = "juju integrate <the coordinator>:identity-admin <Keystone>, and see show-cloud"
        yield reason("nova", "it cannot be read, so that no guest can be protected", remedy)
        return
    known = {host.unit.name for host in survey.hosts}
    for part in parts:
        for unit in part.application.units:
            if unit.name not in known:
                remedy = "openstack compute service list; see why its service never registered"
                yield reason(unit.name, "Nova knows no host on its machine", remedy)
    yield from _services(survey)
    for migration in survey.snapshot.nova.migrations if survey.snapshot.nova else ():
        problem = f"guest {migration.guest} is being migrated: {migration.status}"
        yield Finding("waiting", f"compute {migration.source}", problem, "wait until it is done")


def _services(survey: Survey) -> Iterator[Finding]:
    nova_ = survey.snapshot.nova
    known = {host.name for host in survey.hosts}
    for host, service in nova_.computes.items() if nova_ else ():
        if service.up:
            continue
        if host in known:
            remedy = f"systemctl status {service.binary} on {host}, and its machine's power"
            yield reason(f"compute {host}", "its service is down", remedy)
        elif nova_ and nova_.guests_by_host.get(host):
            guests = len(nova_.guests_by_host[host])
            problem = f"it is dead, not of this model, and {guests} guests are recorded on it"
            yield reason(f"compute {host}", problem, "evacuate or delete them, then plan again")


def guests(survey: Survey, hosts: Collection[str], terms: Terms) -> Iterator[Finding]:
    """Guests of these hosts that cannot leave, by themselves or for lack of room."""
    nova_ = survey.snapshot.nova
    if nova_ is None:
        return
    yield from _may_move(survey, hosts, terms)
    for host in sorted(hosts):
        for guest in nova_.guests_by_host.get(host, ()):
            word = terms.words.get(guest.id, terms.cannot)
            subject = f"guest {guest.name} ({guest.id})"
            if guest.movable == "live":
                continue
            if guest.movable == "no":
                remedy = "see to the guest itself, or move it by hand"
                yield reason(subject, f"cannot leave {host}: {guest.why}", remedy)
            elif word == "hold":
                remedy = f"plan with cold={guest.id} to stop it while it moves, or move it by hand"
                yield reason(subject, f"cannot leave {host} live: {guest.why}", remedy)
        yield from room(
            nova_, [host], "free or add room in the zone: show-cloud tells what is left"
        )


def _may_move(survey: Survey, hosts: Collection[str], terms: Terms) -> Iterator[Finding]:
    """The hypervisors' charm lets guests leave: by default it does not."""
    nova_ = survey.snapshot.nova
    ways = {
        (host.part.name, "live" if guest.movable == "live" else "cold")
        for host in survey.hosts
        for guest in (nova_.guests_by_host.get(host.name, ()) if nova_ else ())
        if host.name in hosts
        if guest.movable == "live" or terms.words.get(guest.id, terms.cannot) == "cold"
    }
    for name, way in sorted(ways):
        part = survey.parts[name]
        option = getattr(part.upgrade.moves, way) if part.upgrade.moves else ""
        if part.option(option) is False:
            problem = f"{option} is false: no guest can leave its hosts {way}"
            remedy = f"juju config {name} {option}=true, and wait until its units are idle"
            yield reason(name, problem, remedy)


def room(nova_: Nova, hosts: Collection[str], remedy: str) -> Iterator[Finding]:
    """Guests of these hosts together that fit nowhere else, by one reason."""
    left = capacity.unplaced(nova_, hosts)
    if left:
        count = sum(len(nova_.guests_by_host.get(host, ())) for host in hosts)
        problem = f"{len(left)} of {count} guests have no room elsewhere, for example {left[0]}"
        yield reason(f"compute {', '.join(sorted(hosts))}", problem, remedy)


def ceph(survey: Survey) -> Iterator[Finding]:
    """Ceph is well, of one version in each application, and moves data by itself."""
    seen = {cluster.application: cluster for cluster in survey.snapshot.ceph or ()}
    held = {part.name for part, _ in leftovers.held(survey)}
    tended = leftovers.without_rebalancing(survey)
    for part in survey.parts.values():
        # Packages of a hypervisor move with its own upgrade, before those of other machines.
        units = [u for u in part.application.units if u.machine not in survey.compute_machines]
        releases = {survey.release_of(part, unit) for unit in units}
        versions = sorted({unit.version for unit in units})
        # Those that a plan left held are upgraded when they are released.
        if part.upgrade.requires and len(releases) > 1 and part.name not in held:
            problem = f"its units run {' and '.join(versions)}"
            yield Finding("waiting", part.name, problem, "wait: its charm upgrades them in turn")
        if part.upgrade.requires != "before":
            continue
        cluster = seen.get(part.name)
        if cluster is None:
            remedy = f"juju run {part.name}/leader get-health"
            yield reason(part.name, "its cluster could not be looked at", remedy)
            continue
        if "noout" in cluster.flags and part.name not in tended:
            remedy = f"juju run {part.name}/leader unset-noout, once all disks are in service"
            yield reason(part.name, "noout is set", remedy)
        if cluster.health != "HEALTH_OK" and (not cluster.checks or set(cluster.checks) - _CURED):
            problem = f"{cluster.health}: {', '.join(cluster.checks) or 'no reason given'}"
            remedy = f"juju ssh {part.name}/leader sudo ceph health detail"
            yield reason(part.name, problem, remedy)


def release(survey: Survey, target: Release, skip: Collection[str]) -> Iterator[Finding]:
    """What the release asks of applications and of their bases."""
    knowledge = survey.knowledge
    for application in survey.snapshot.cloud.applications.values():
        if application.charm in knowledge.refused and application.name not in skip:
            refusal = knowledge.refused[application.charm]
            remedy = refusal.remedy.format(application=application.name)
            yield reason(application.name, refusal.reason, remedy)
    for part in survey.parts.values():
        if part.name in skip:
            continue
        for condition in knowledge.preconditions:
            asked = not condition.to or target.name in condition.to
            if asked and part.application.charm in condition.charms:
                yield from _precondition(part, condition)
        yield from _source(part, target)


def _precondition(part: Part, condition: Precondition) -> Iterator[Finding]:
    broken = False
    option = condition.option
    if option is not None and option in part.application.options:
        value = part.option(option)
        if condition.lacks is not None:
            items = str(value or "").replace(" ", "").split(",")
            broken = condition.lacks in items
        elif condition.value is not None:
            broken = value != condition.value
    problem = f"{option}: {condition.reason}"
    if condition.least is not None:
        behind = [u for u in part.application.units if not at_least(u.version, condition.least)]
        broken = bool(behind)
        if behind:
            unit = behind[0]
            problem = f"{unit.name} runs {unit.version or 'no known version'}: {condition.reason}"
    if broken:
        yield reason(part.name, problem, condition.remedy.format(application=part.name))


def _source(part: Part, target: Release) -> Iterator[Finding]:
    """A charm from Charmhub, on a base that has the release, with its options read."""
    application = part.application
    if not application.channel:
        remedy = f"juju refresh {part.name} --switch ch:{application.charm}"
        yield reason(part.name, "its charm is from a file, and follows no channel", remedy)
    if application.base not in target.origins:
        bases = " or ".join(target.origins)
        yield reason(
            part.name,
            f"runs on {application.base}, which has no OpenStack {target.name}",
            f"upgrade the machines to {bases} first",
        )
    if part.charm.origin is not None and part.charm.origin not in application.options:
        remedy = f"juju config {part.name} {part.charm.origin}"
        yield reason(part.name, f"its option {part.charm.origin} could not be read", remedy)
    for unit in application.units:
        if part.upgrade.workload is not None and not unit.version:
            remedy = f"juju run {unit.name} resume, or see why its charm sets no version"
            yield reason(unit.name, "the version of its workload is not known", remedy)
