"""The adapters of a drain against the real nova, placement and neutron.

The cloud has one host in each of two zones, so guests leave their zone here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import draining
import neutron
import nova
import openstack_api
import placement_api
import pytest
import snapshot
import steps
from running_cloud import HOSTS, OpenStack, until

FROM, TO = sorted(HOSTS)
REASON = f"{steps.MARK}maintenance"
WITHIN = 60.0


@pytest.fixture
def guest(cloud: OpenStack) -> Iterator[Any]:
    """A tenant's guest on the first host."""
    compute = cloud.admin.compute
    made = compute.create_server(
        name="web",
        image_id=cloud.admin.image.find_image("noble").id,
        flavor_id=compute.find_flavor("small").id,
        networks=[{"uuid": cloud.admin.network.find_network("shared").id}],
        host=FROM,
    )
    yield compute.wait_for_server(made, wait=WITHIN)
    compute.delete_server(made, force=True)
    compute.wait_for_delete(made, wait=WITHIN)


@pytest.fixture
def disabled(cloud: OpenStack) -> Iterator[None]:
    with cloud.session() as opened:
        nova.Nova(opened).disable(FROM, REASON)
    yield
    with cloud.session() as opened:
        nova.Nova(opened).delete_canary(FROM)
        nova.Nova(opened).enable(FROM)


def look(opened: Any) -> snapshot.Nova:
    compute = nova.Nova(opened)
    seen = compute.computes()
    going, failed = compute.migrations([FROM])
    return snapshot.Nova(
        seen.services,
        seen.hypervisors,
        compute.guests([FROM]),
        going,
        placement_api.Placement(opened).room(),
        neutron.Neutron(opened).agents(),
        failed,
    )


def service(opened: Any) -> Any:
    return look(opened).computes[FROM]


def test_a_disabled_host_says_why_and_is_left_out_by_placement(
    cloud: OpenStack, disabled: None
) -> None:
    with cloud.session() as opened:
        assert (service(opened).enabled, service(opened).disabled_reason) == (False, REASON)
        until(lambda: [r.host for r in look(opened).room] == [TO], WITHIN, "placement knows it")
        with pytest.raises(openstack_api.RequestRefused, match="knows no nova-compute on nowhere"):
            nova.Nova(opened).disable("nowhere", REASON)


def test_a_canary_boots_on_a_disabled_host_and_nobody_else_does(
    cloud: OpenStack, disabled: None
) -> None:
    with cloud.session() as opened:
        nova.Nova(opened).boot_canary(FROM, "")

        def canary() -> snapshot.Guest | None:
            found = [g for g in look(opened).guests if g.name == f"{steps.CANARY}{FROM}"]
            return found[0] if found and found[0].status == "ACTIVE" else None

        until(canary, WITHIN, "the canary is active")
        until(lambda: canary() and not canary().task, WITHIN, "its port is bound")  # type: ignore[union-attr]
        assert not look(opened).guests_by_host, "it is no guest"
        assert not service(opened).enabled
        nova.Nova(opened).delete_canary(FROM)
        until(lambda: not look(opened).guests, WITHIN, "the canary is gone")
        nova.Nova(opened).delete_canary(FROM)
        names = {network.name for network in cloud.admin.network.networks()}
        assert "openstack-coordinator-canary" not in names, "nothing of it is left"


def test_a_drain_moves_guests_live_and_leaves_them_running(
    cloud: OpenStack, guest: Any, disabled: None
) -> None:
    asked = steps.drain_host(FROM, parallel=2, cannot="hold").arguments
    began = time.time() - 5
    with cloud.session() as opened:
        (seen,) = look(opened).guests_by_host[FROM]
        assert (seen.movable, seen.vcpus, seen.memory_mb, seen.disk_gb) == ("live", 1, 2048, 10)
        first = draining.look(asked, look(opened), began)
        assert [move.how for move in first.moves] == ["live"]
        nova.Nova(opened).live_migrate(guest.id)
        until(lambda: draining.look(asked, look(opened), began).done, WITHIN, "the host is empty")
        moved = cloud.admin.compute.get_server(guest.id)
        assert (moved.status, moved.compute_host) == ("ACTIVE", TO)


def test_a_guest_that_is_shut_off_moves_cold_and_is_confirmed(
    cloud: OpenStack, guest: Any, disabled: None
) -> None:
    compute = cloud.admin.compute
    compute.stop_server(guest)
    compute.wait_for_server(guest, status="SHUTOFF", wait=WITHIN)
    asked = steps.drain_host(FROM, parallel=2, cannot="hold", words={guest.id: "cold"}).arguments
    began = time.time() - 5
    with cloud.session() as opened:
        (seen,) = look(opened).guests_by_host[FROM]
        assert (seen.movable, seen.why) == ("cold", "it is shut off")
        does: dict[str, Callable[[str], None]] = {
            "cold": nova.Nova(opened).cold_migrate,
            "confirm": nova.Nova(opened).confirm,
        }

        def emptied() -> bool:
            drain = draining.look(asked, look(opened), began)
            for move in drain.moves:
                does[move.how](move.guest)
            return drain.done

        until(emptied, WITHIN, "the host is empty")
        moved = compute.get_server(guest.id)
        assert (moved.status, moved.compute_host) == ("SHUTOFF", TO)


def test_hosts_and_their_agents_are_known_by_the_same_names(cloud: OpenStack) -> None:
    with cloud.session() as opened:
        seen = look(opened)
        assert set(seen.computes) == set(HOSTS)
        assert set(HOSTS) <= set(seen.agents)
        assert {room.host for room in seen.room} == set(HOSTS)
