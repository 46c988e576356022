"""What a snapshot shows of the operations on hosts of Nova. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import draining
import steps
from charms.openstack_coordinator.v0.rolling import Observation
from sight import ABSENT, DONE, WORKING, Arguments, Sight


def _disable_host(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    service = sight.compute(wanted["host"])
    if service is None:
        # A new host tells Nova of itself when its service starts.
        return WORKING
    return ABSENT if service.enabled else DONE


def _enable_host(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    service = sight.compute(wanted["host"])
    if service is None:
        return sight.failed(f"Nova knows no compute on {wanted['host']}")
    if not service.enabled:
        ours = service.disabled_reason.startswith((steps.MARK.rstrip(), steps.NEW))
        return ABSENT if ours else DONE
    return DONE if service.up else WORKING


def _drain_host(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    if sight.compute(wanted["host"]) is None:
        return sight.failed(f"Nova knows no compute on {wanted['host']}")
    drain = draining.look(wanted, sight.snapshot.nova, sight.since)
    if drain.done:
        return DONE
    if sight.record is None:
        return ABSENT
    if drain.failed:
        return sight.failed(f"{len(drain.stuck)} guests cannot go: {'; '.join(drain.stuck)}")
    return WORKING if sight.requested or drain.moving else ABSENT


def _boot_canary(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    host = wanted["host"]
    if sight.compute(host) is None:
        return sight.failed(f"Nova knows no compute on {host}")
    for canary in sight.canaries(host):
        if canary.status == "ERROR":
            return sight.failed(f"the canary on {host} is in error") if sight.requested else ABSENT
        if canary.host == host and canary.status == "ACTIVE" and not canary.task:
            return DONE
        return WORKING
    return ABSENT


def _remove_canary(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    if not sight.canaries(wanted["host"]):
        return DONE
    return WORKING if sight.requested else ABSENT


def _map_hosts(sight: Sight, wanted: Arguments) -> Observation | None:
    nova = sight.snapshot.nova
    if nova is None:
        return None
    mapped = {hypervisor.host for hypervisor in nova.hypervisors}
    up = {host for host, service in nova.computes.items() if service.up}
    if (mapped & up).issuperset(wanted["hosts"]):
        return DONE
    return WORKING if sight.requested else ABSENT


def _set_zone(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    service = sight.compute(wanted["host"])
    if service is None:
        return sight.failed(f"Nova knows no compute on {wanted['host']}")
    return DONE if service.zone == wanted["zone"] else ABSENT


def _remove_compute_service(sight: Sight, wanted: Arguments) -> Observation | None:
    nova, host = sight.snapshot.nova, wanted["host"]
    if nova is None:
        return None
    known = host in nova.computes or any(h.host == host for h in nova.hypervisors)
    return ABSENT if known else DONE


def _remove_network_agent(sight: Sight, wanted: Arguments) -> Observation | None:
    if sight.snapshot.nova is None:
        return None
    return ABSENT if wanted["host"] in sight.snapshot.nova.agents else DONE


OBSERVERS: Mapping[str, Callable[[Sight, Arguments], Observation | None]] = {
    "disable-host": _disable_host,
    "enable-host": _enable_host,
    "drain-host": _drain_host,
    "boot-canary": _boot_canary,
    "remove-canary": _remove_canary,
    "map-hosts": _map_hosts,
    "set-zone": _set_zone,
    "remove-compute-service": _remove_compute_service,
    "remove-network-agent": _remove_network_agent,
}
