"""A cloud to the next OpenStack release: stage by stage, application by application."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from coherence import Finding

from planning import hypervisors, leftovers, preflight, put_off, restarts, ways
from planning.draft import LONG, Draft, in_one_lane, step
from planning.outcome import reason
from planning.ways import Target

if TYPE_CHECKING:
    from cloud import Unit
    from knowledge import Release as Known

    from planning.request import Release
    from planning.survey import Part, Survey

_TIMER = "apt-daily-upgrade.timer"
_OFF_BY_US = "$JUJU_CHARM_DIR/../unattended-upgrades-off"
_OFF = (
    f"! systemctl is-enabled --quiet {_TIMER} || "
    f"{{ touch {_OFF_BY_US} && systemctl disable --now {_TIMER}; }}"
)
_ON = f"[ ! -e {_OFF_BY_US} ] || {{ systemctl enable --now {_TIMER} && rm -f {_OFF_BY_US}; }}"
"""Where somebody had it off before, it stays off."""

_MACHINES = 10
"""How many machines are told at a time."""

_WAYS = {
    "managed": ways.unit_by_unit,
    "by-restart": ways.by_restart,
    "by-host": ways.by_host,
    "by-turns": ways.by_turns,
    "at-once": ways.at_once,
    "charm-only": ways.charm_only,
}


class Upgrade:
    """One request for a release, and the survey it is judged by."""

    def __init__(self, draft: Draft, request: Release) -> None:
        self._draft = draft
        self._request = request
        self._survey: Survey = draft.survey

    # -- where to ---------------------------------------------------------------------------

    def reached(self) -> tuple[int, int] | None:
        """The places of the oldest and the newest release that a unit runs; None: none known."""
        survey = self._survey
        found = [
            place
            for part in survey.parts.values()
            if part.name not in self._request.skip and part.charm.family == "openstack"
            for unit in part.application.units
            if (place := survey.release_of(part, unit)) is not None
        ]
        return (min(found), max(found)) if found else None

    def target(self) -> Known | Finding:
        """The release to go to, or why there is none."""
        releases, reached, to = self._survey.knowledge.releases, self.reached(), self._request.to
        names = [release.name for release in releases]
        codenames = [release.codename for release in releases]
        if reached is None:
            return reason("release", "no unit tells which it runs", "see juju status")
        if to in codenames:
            to = names[codenames.index(to)]
        if to and to not in names:
            return reason("release", f"{to} is not known", f"one of {', '.join(codenames)}")
        oldest, newest = reached
        # A part of the cloud that is one release further was upgraded by somebody, halfway.
        step_ = oldest + 1
        wanted = names.index(to) if to else step_
        if not to and self._unfinished(releases[newest]):
            wanted = newest
        if newest > step_:
            problem = f"units run {names[oldest]} and {names[newest]}: more than one release apart"
            return reason("release", problem, f"upgrade what runs {names[oldest]} by hand first")
        if wanted >= len(names) and self._behind(releases[oldest]):
            # There is no newer one, and something of this one was left out.
            wanted = oldest
        if wanted >= len(names):
            return reason("release", f"{names[oldest]} is the newest that is known", "nothing")
        if wanted > step_:
            problem = f"{names[oldest]} to {to} leaves out {names[step_]}"
            return reason("release", problem, f"plan {names[step_]} first: one at a time")
        if wanted < oldest or (wanted == oldest and not self._behind(releases[wanted])):
            return reason("release", f"the cloud runs {names[oldest]} already", "nothing to do")
        return releases[wanted]

    def _unfinished(self, release: Known) -> bool:
        """Units were told to go there, and did not: what was begun is finished first."""
        targets = (self._target(part, release) for part in self._parts())
        return any(t.outstanding and not t.channel and t.origin is None for t in targets)

    def _behind(self, release: Known) -> bool:
        # Packages alone are no upgrade.
        request = dataclasses.replace(self._request, packages=False)
        upgrade = Upgrade(self._draft, request)
        return any(upgrade._waves(part, release) for part in self._parts())

    def reasons(self, release: Known) -> Iterator[Finding]:
        """Why it cannot be begun."""
        survey, skip = self._survey, self._request.skip
        yield from preflight.well(survey, self._parts())
        yield from preflight.release(survey, release, skip)
        if any(part.upgrade.requires for part in self._parts()):
            yield from preflight.ceph(survey)
        yield from preflight.nova(survey)
        yield from self._order(release)
        outstanding = {host.name for host in self._hosts(release)} if self._rolling else ()
        yield from preflight.guests(survey, outstanding, self._draft.terms)
        for part in self._parts():
            actions = survey.snapshot.actions.get(part.name)
            if part.hypervisor and self._rolling and not ways.managed(part, actions):
                remedy = f"juju refresh {part.name} to a revision with {ways.MANAGED}"
                yield reason(part.name, "its units cannot be upgraded one at a time", remedy)

    def _order(self, release: Known) -> Iterator[Finding]:
        """The control plane is not behind the hypervisors."""
        survey = self._survey
        stage = survey.knowledge.hypervisor_stage
        versions = {
            unit.name: place
            for part in survey.parts.values()
            for unit in part.application.units
            if part.charm.family == "openstack"
            and (place := survey.release_of(part, unit)) is not None
        }
        control = [
            versions[unit.name]
            for part in self._parts()
            if survey.stage(part) < stage
            for unit in part.application.units
            if unit.name in versions
        ]
        for host in survey.hosts:
            place = versions.get(host.unit.name)
            if control and place is not None and place > min(control):
                name = survey.knowledge.releases[place].name
                remedy = f"upgrade the control plane to {name} by hand first"
                yield reason(host.unit.name, f"runs {name}, ahead of the control plane", remedy)

    # -- the plan ---------------------------------------------------------------------------

    def waves(self, release: Known) -> Iterator[Wave]:
        """All of them."""
        stage = self._survey.knowledge.hypervisor_stage
        parts = self._parts()
        work = [
            wave
            for p in parts
            if self._survey.stage(p) < stage
            for wave in self._waves(p, release)
        ]
        hosts = list(self._hypervisors(release))
        rest = [
            wave
            for p in parts
            if self._survey.stage(p) > stage
            for wave in self._waves(p, release)
        ]
        in_rounds = [part.name for part in self._agents(release)]
        beside = [
            wave
            for part in parts
            if self._survey.stage(part) == stage
            and not (part.hypervisor and self._rolling)
            and part.name not in in_rounds
            for wave in self._waves(part, release)
        ]
        if work or hosts or rest or beside:
            yield from leftovers.waves(self._draft)
            yield from self._unattended(wanted=False)
            yield from self._errands()
            yield from self._dead_services()
        yield from (*work, *hosts, *beside, *rest)
        if work or hosts or rest or beside:
            yield from self._unattended(wanted=True)

    def notes(self, release: Known) -> Iterator[str]:
        """What cannot be done without being noticed, and what is left alone."""
        for part in self._parts():
            way = self._way(part)
            units = len(part.application.units)
            if not self._waves(part, release) and not part.hypervisor:
                continue
            if way == "at-once" and units > 1 and not self._rolling:
                yield f"{part.name}: all {units} units at once, and nobody serves meanwhile"
            elif way in ("managed", "at-once", "by-restart") and units == 1:
                yield f"{part.name}: has one unit, and serves nobody while it is upgraded"
            if part.upgrade.sealed and self._target(part, release).channel:
                yield f"{part.name}: comes back sealed, and waits for whoever has the keys"
        for part in self._agents(release):
            if part.option(restarts.RESTARTS) is False:
                yield f"{part.name}: {restarts.RESTARTS} is false, and stays so"
        yield from leftovers.notes(self._survey)
        for host in self._survey.hosts:
            if not host.ours:
                why = host.service.disabled_reason or "no reason given"
                yield f"{host.name}: stays disabled, as somebody left it: {why}"
        for name in sorted(self._request.skip):
            yield f"{name}: left alone, as asked"

    @property
    def _rolling(self) -> bool:
        return self._request.strategy == "rolling"

    def _parts(self) -> list[Part]:
        skip = self._request.skip
        return [part for part in self._survey.parts.values() if part.name not in skip]

    def _way(self, part: Part) -> str:
        if part.upgrade.way == "charm-only":
            return part.upgrade.way
        if not self._rolling:
            return "at-once"
        if part.upgrade.way == "managed":
            actions = self._survey.snapshot.actions.get(part.name)
            return "managed" if ways.managed(part, actions) else "at-once"
        return part.upgrade.way

    def _waves(self, part: Part, release: Known) -> tuple[Wave, ...]:
        if part.hypervisor and self._rolling:
            return ()
        target = self._target(part, release)
        return self._draft.begun(part.name, _WAYS[self._way(part)](self._draft, target))

    def _target(self, part: Part, release: Known) -> Target:
        application = part.application
        track = self._track(part, release)
        risk = application.channel.partition("/")[2] or "stable"
        values = release.origins.get(application.base, ())
        origin: str | None = None
        if part.charm.origin is not None and part.upgrade.way != "charm-only":
            now = part.option(part.charm.origin) or ""
            origin = values[-1] if values and now not in values else None
        # What runs beside others is upgraded with their packages, and not by its charm.
        own = part.upgrade.way != "charm-only"
        version = self._survey.version(part, release) if own else ""
        return Target(
            part=part,
            channel=f"{track}/{risk}" if track else "",
            pinned=self._pinned(part),
            origin=origin,
            version=version,
            release=release,
            packages=self._request.packages,
        )

    def _pinned(self, part: Part) -> str | None:
        """The origin of the release that all its units have reached, for one that says it not."""
        places = [self._survey.release_of(part, unit) for unit in part.application.units]
        known = [place for place in places if place is not None]
        if part.charm.origin is None or part.upgrade.way == "charm-only" or not known:
            return None
        release = self._survey.knowledge.releases[min(known)]
        values = release.origins.get(part.application.base, ())
        now = str(part.option(part.charm.origin) or "")
        # Of one that says something else, it is not known what that means.
        return values[-1] if now in values[:-1] and not now.startswith("cloud:") else None

    def _track(self, part: Part, release: Known) -> str:
        """Another track to follow; empty when the one it follows is right."""
        family, now = part.charm.family or "", part.application.track
        if family in release.tracks:
            tracks = release.tracks[family]
            return "" if now in tracks and len(tracks) == 1 else _other(max(tracks), now)
        return self._survey.knowledge.moved_tracks.get(family, {}).get(now, "")

    # -- hypervisors ------------------------------------------------------------------------

    def _hosts(self, release: Known) -> list[hypervisors.Host]:
        """Those that are not there yet, or were left out of service on the way."""
        targets = self._targets(release)
        return [
            host
            for host in self._survey.hosts
            if host.part.name in targets
            and (
                targets[host.part.name].behind(host.unit)
                or (host.ours and not host.service.enabled)
            )
        ]

    def _targets(self, release: Known) -> dict[str, Target]:
        parts = [part for part in self._parts() if part.hypervisor]
        return {part.name: self._target(part, release) for part in parts}

    def _hypervisors(self, release: Known) -> Iterator[Wave]:
        if not self._rolling:
            return
        targets = self._targets(release)
        for name, target in targets.items():
            yield from self._draft.begun(name, ways.prepared(self._draft, target))
        hosts, agents = self._hosts(release), self._agents(release)
        for part in agents:
            charm = ways.charm_steps(self._draft, self._target(part, release), deferred=True)
            yield from put_off.refreshed(self._draft, part, charm)
        work = hypervisors.upgrade(targets, agents)
        yield from hypervisors.zone_by_zone(self._draft, hosts, work)
        for name, target in targets.items():
            if target.outstanding:
                part, timeout = target.part, target.part.upgrade.timeout
                units = part.application.units
                whole = self._draft.settle(name, "upgraded", units, timeout, target.version)
                yield from in_one_lane(f"{name} as a whole", [whole])
        done = {host.unit.name for host in hosts}
        moved = any(target.outstanding for target in targets.values())
        for part in agents:
            version = self._survey.version(part, release) if moved else ""
            yield from put_off.restarted(self._draft, part, done, version)

    def _agents(self, release: Known) -> list[Part]:
        """Those beside hypervisors that get a new charm, and are restarted on empty hosts."""
        return [
            part
            for part in self._parts()
            if self._rolling
            and put_off.can_be(self._draft, part)
            and (
                part.option(restarts.RESTARTS) is False
                or any(ways.charm_steps(self._draft, self._target(part, release)))
            )
        ]

    # -- around -----------------------------------------------------------------------------

    def _unattended(self, *, wanted: bool) -> Iterator[Wave]:
        """Packages that upgrade by themselves would take the lock, and units in service."""
        if not self._request.unattended:
            return
        machines: dict[str, Unit] = {}
        for part in self._parts():
            for unit in part.application.units:
                if not unit.principal and unit.machine:
                    machines.setdefault(unit.machine, unit)
        what, do, undo = ("on", _ON, _OFF) if wanted else ("off", _OFF, _ON)
        found = tuple(
            step(
                unit.name,
                f"unattended upgrades {what}",
                steps.run_command(unit.name, do),
                steps.run_command(unit.name, undo),
                lane=machine,
            )
            for machine, unit in machines.items()
        )
        if found:
            yield Wave(f"unattended upgrades {what}", found, parallel=_MACHINES)

    def _errands(self) -> Iterator[Wave]:
        found: list[Step] = []
        survey = self._survey
        for name in self._request.errands:
            errand = survey.knowledge.errands[name]
            for part in survey.parts.values():
                actions = survey.snapshot.actions.get(part.name, frozenset())
                leader = steps.leader(part.name)
                if part.charm.role != errand.role:
                    continue
                if errand.command:
                    do = steps.run_command(leader, errand.command)
                elif errand.action in actions:
                    do = steps.run_action(leader, errand.action)
                else:
                    continue
                gates = self._draft.entry(self._draft.whole())
                found.append(
                    step(
                        part.name,
                        name,
                        do,
                        steps.nothing(),
                        lane="errands",
                        gates=gates,
                        timeout=LONG,
                        attempts=2,
                    )
                )
        yield from in_one_lane("errands", found)

    def _dead_services(self) -> Iterator[Wave]:
        """Computes that Nova remembers and no machine of the model is."""
        survey = self._survey
        nova = survey.snapshot.nova
        known = {host.name for host in survey.hosts}
        dead = [
            host
            for host, service in (nova.computes.items() if nova else ())
            if host not in known
            and not service.up
            and survey.snapshot.machine_of_host(host) is None
        ]
        yield from in_one_lane(
            "dead computes",
            [
                step(host, "remove service", steps.remove_compute_service(host), None, lane="dead")
                for host in dead
            ],
        )


def _other(track: str, now: str) -> str:
    return "" if track == now else track
