"""Hosts out of service for maintenance, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from coherence import Finding

from planning import hypervisors, preflight
from planning.draft import Draft, Drafted, step
from planning.outcome import reason

if TYPE_CHECKING:
    from planning.request import Drain, Undrain
    from planning.survey import Host


def drain(draft: Draft, request: Drain) -> Drafted:
    """Disable and empty these hosts, and keep Ceph from moving the data of disks beside them."""
    hosts, unknown = _hosts(draft, request.hosts)
    names = [host.name for host in hosts]
    reasons = [*unknown, *preflight.nova(draft.survey), *_one_zone(hosts)]
    reasons += preflight.guests(draft.survey, names, draft.terms)
    nova = draft.survey.snapshot.nova
    if nova is not None and not reasons:
        # One by one they may fit where all together do not.
        remedy = "drain fewer hosts, or add room: show-cloud tells what is left"
        reasons += preflight.room(nova, names, remedy)
    monitors = draft.survey.monitors_beside(hosts)
    reasons += _one_failure_domain(draft, hosts, monitors)

    def waves() -> Iterator[Wave]:
        for cluster in monitors:
            set_, unset = steps.set_noout(cluster), steps.unset_noout(cluster)
            gates = draft.entry(steps.ceph_health(cluster))
            found = step(cluster, "set noout", set_, unset, lane=cluster, gates=gates)
            yield Wave("disks", (found,))
        # All of them off first: what leaves one must not land on the next, and move again.
        out = [_out(draft, host) for host in hosts]
        yield Wave("scheduling off", tuple(disable for disable, _ in out), parallel=len(out))
        drains = tuple(drain for _, drain in out)
        yield Wave("guests away", drains, parallel=draft.terms.max_unavailable)

    def notes() -> Iterator[str]:
        for cluster in monitors:
            yield f"{cluster}: noout stays set until these hosts are back in service"

    return Drafted(f"drain {', '.join(names)}", tuple(reasons), waves, notes)


def _one_zone(hosts: Iterable[Host]) -> Iterator[Finding]:
    """Tenants spread over zones so that one may fail: two are never taken together."""
    zones = sorted({host.service.zone for host in hosts})
    if len(zones) > 1:
        problem = f"the hosts are in {', '.join(zones)}: one zone at a time"
        yield reason("hosts", problem, f"drain those of {zones[0]} first, and put them back")


def _one_failure_domain(
    draft: Draft, hosts: Iterable[Host], monitors: Iterable[str]
) -> Iterator[Finding]:
    """Ceph keeps what it holds when one fails: disks of two must not stop together."""
    names = {host.name.partition(".")[0]: host.name for host in hosts}
    for cluster in monitors:
        domains = draft.survey.failure_domains(cluster, names.keys() | set(names.values()))
        if len(domains) > 1:
            problem = f"{cluster} has disks of several failure domains there: {', '.join(domains)}"
            yield reason("hosts", problem, f"drain those of {domains[0]} first, and put them back")


def _out(draft: Draft, host: Host) -> tuple[Step, Step]:
    """Scheduling off, and guests away. The hosts stay down together: only other zones bar it."""
    disable, drain = hypervisors.out_of_service(draft, host, "drained for maintenance")
    gates = tuple(gate for gate in disable.gates if gate.kind != "down-in-zone")
    return dataclasses.replace(disable, gates=gates), drain


def undrain(draft: Draft, request: Undrain) -> Drafted:
    """Prove these hosts with a canary guest, and enable them."""
    hosts, unknown = _hosts(draft, request.hosts)
    names = [host.name for host in hosts]
    reasons = [*unknown, *preflight.nova(draft.survey)]
    for host in hosts:
        if not host.ours:
            problem = f"somebody disabled it: {host.service.disabled_reason or 'no reason given'}"
            remedy = f"openstack compute service set --enable {host.name} {host.service.binary}"
            reasons.append(reason(f"compute {host.name}", problem, remedy))

    def waves() -> Iterator[Wave]:
        back = tuple(one for name in names for one in hypervisors.into_service(name))
        yield Wave("hypervisors", back, parallel=max(1, len(names)))
        for cluster in draft.survey.monitors_beside(hosts):
            unset, set_ = steps.unset_noout(cluster), steps.set_noout(cluster)
            yield Wave("disks", (step(cluster, "unset noout", unset, set_, lane=cluster),))

    return Drafted(f"undrain {', '.join(names)}", tuple(reasons), waves)


def _hosts(draft: Draft, names: Iterable[str]) -> tuple[list[Host], list[Finding]]:
    found = {name: draft.survey.host(name) for name in sorted(set(names))}
    remedy = "openstack compute service list"
    unknown = [
        reason(f"compute {name}", "is no hypervisor of this model", remedy)
        for name, host in found.items()
        if host is None
    ]
    chosen = {host.name: host for host in found.values() if host is not None}
    return [chosen[name] for name in sorted(chosen)], unknown
