"""What the coordinator finds missing or incoherent, and what it asks the operator to do."""

from __future__ import annotations

import copy
from typing import Any

import cloud
import coherence
import full_status
import knowledge
import pytest
import readiness
from hypothesis import given, settings
from hypothesis import strategies as st

KNOWN = knowledge.load()
READY = full_status.of_bundle()
ORIGINS = {
    name: {charm.origin: ""}
    for name, charm in (
        (member.application.name, member.charm)
        for member in coherence.members(cloud.from_full_status(READY), KNOWN)
    )
    if charm.origin
}


@pytest.fixture
def model() -> dict[str, Any]:
    return copy.deepcopy(READY)


def found(model: dict[str, Any], **options: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Severity, finding and remedy of everything found in a model."""
    seen = cloud.from_full_status(model, {**ORIGINS, **options})
    return [(f.severity, str(f), f.remedy) for f in coherence.findings(seen, KNOWN)]


def without_relation(model: dict[str, Any], *ends: str) -> None:
    before = len(model["relations"])
    model["relations"] = [r for r in model["relations"] if set(r["key"].split()) != set(ends)]
    assert len(model["relations"]) == before - 1


def test_the_bundle_deployed_and_settled_lacks_nothing(model: dict[str, Any]) -> None:
    assert found(model) == []


def test_the_bundle_in_high_availability_lacks_nothing_either() -> None:
    options = full_status.options(full_status.bundle(full_status.HA))
    assert found(full_status.of_bundle(full_status.HA), **options) == []


def test_a_ready_cloud_is_summed_up_in_one_line(model: dict[str, Any]) -> None:
    assessment = readiness.assess(cloud.from_full_status(model, ORIGINS), KNOWN)
    assert assessment.summary == "OpenStack 2024.1 ready: 26 applications, 3 hypervisors"


def test_a_missing_relation_is_named_with_the_command_that_makes_it(model: dict[str, Any]) -> None:
    without_relation(model, "nova-cloud-controller:placement", "placement:placement")
    assert found(model) == [
        (
            "blocked",
            "nova-cloud-controller: placement is not related to a placement",
            "juju integrate nova-cloud-controller:placement placement",
        )
    ]


def test_of_many_routers_the_one_named_after_the_application_comes_first(
    model: dict[str, Any],
) -> None:
    without_relation(model, "glance:shared-db", "glance-mysql-router:shared-db")
    [(severity, _, remedy)] = found(model)
    assert severity == "blocked"
    assert remedy.startswith("juju integrate glance:shared-db <one of glance-mysql-router, ")


def test_what_only_some_clouds_have_is_asked_for_only_there(model: dict[str, Any]) -> None:
    without_relation(model, "cinder-ceph:ceph-access", "nova-compute:ceph-access")
    assert [f[1] for f in found(model)] == [
        "nova-compute: ceph-access is not related to a block storage backend"
    ]
    for gone in ("cinder", "cinder-ceph", "cinder-mysql-router"):
        del model["applications"][gone]
    model["relations"] = [r for r in model["relations"] if "cinder" not in r["key"]]
    assert found(model) == []


def test_a_role_that_nobody_fills_is_named_with_the_charm_to_deploy(model: dict[str, Any]) -> None:
    del model["applications"]["placement"]
    model["relations"] = [r for r in model["relations"] if "placement:" not in r["key"]]
    assert found(model)[0] == (
        "blocked",
        "placement: no application provides it",
        "juju deploy placement, and relate it as in the bundle",
    )


def test_an_application_is_known_by_its_charm_and_not_by_its_name(model: dict[str, Any]) -> None:
    model["applications"]["identity"] = model["applications"].pop("keystone")
    units = model["applications"]["identity"]["units"]
    model["applications"]["identity"]["units"] = {"identity/0": units["keystone/0"]}
    for relation in model["relations"]:
        for end in relation["endpoints"]:
            if end["application"] == "keystone":
                end["application"] = "identity"
    assert found(model) == []


def test_one_application_on_another_track_is_told_to_follow_the_others(
    model: dict[str, Any],
) -> None:
    model["applications"]["glance"]["charm-channel"] = "2023.2/stable"
    assert found(model) == [
        (
            "blocked",
            "glance: follows 2023.2/stable while OpenStack 2024.1 goes with 2024.1",
            "juju refresh glance --channel 2024.1/stable",
        )
    ]


def test_families_with_tracks_of_their_own_must_fit_the_release(model: dict[str, Any]) -> None:
    model["applications"]["ovn-central"]["charm-channel"] = "22.03/stable"
    assert [f[1:] for f in found(model)] == [
        (
            "ovn-central: follows 22.03/stable while OpenStack 2024.1 goes with 24.03",
            "juju refresh ovn-central --channel 24.03/stable",
        )
    ]


def test_an_origin_of_another_release_is_found(model: dict[str, Any]) -> None:
    wrong = {"openstack-origin": "cloud:jammy-bobcat"}
    assert found(model, nova_is_not_this={}, glance=wrong) == [
        (
            "blocked",
            "glance: openstack-origin is 'cloud:jammy-bobcat', not of OpenStack 2024.1",
            "juju config glance openstack-origin=distro",
        )
    ]


def test_a_base_without_the_release_is_found(model: dict[str, Any]) -> None:
    model["applications"]["glance"]["base"]["channel"] = "20.04/stable"
    assert [f[1] for f in found(model)] == [
        "glance: runs on ubuntu@20.04, which has no OpenStack 2024.1"
    ]


def test_two_members_of_a_cluster_of_three_need_one_more(model: dict[str, Any]) -> None:
    del model["applications"]["mysql-innodb-cluster"]["units"]["mysql-innodb-cluster/2"]
    assert found(model) == [
        (
            "blocked",
            "mysql-innodb-cluster: 2 units; sound are 3, 5, 7, 9",
            "juju add-unit mysql-innodb-cluster -n 1",
        )
    ]


def test_three_units_of_an_api_need_a_membership_agent_and_an_address(
    model: dict[str, Any],
) -> None:
    units = model["applications"]["keystone"]["units"]
    units |= {f"keystone/{n}": full_status.unit(f"{n}/lxd/0") for n in (1, 2)}
    options = {"openstack-origin": "distro", "vip": ""}
    assert [f[1:] for f in found(model, keystone=options)] == [
        (
            "keystone: ha is not related to a cluster membership",
            "juju deploy hacluster, then relate it to keystone:ha",
        ),
        (
            "keystone: 3 units and no vip or dns-ha",
            "juju config keystone vip=...",
        ),
    ]


def test_several_units_of_the_compute_api_share_a_cache() -> None:
    whole = full_status.of_bundle(full_status.HA)
    options = full_status.options(full_status.bundle(full_status.HA))
    without_relation(whole, "nova-cloud-controller:memcache", "memcached:cache")
    assert found(whole, **options) == [
        (
            "blocked",
            "nova-cloud-controller: memcache is not related to a cache",
            "juju integrate nova-cloud-controller:memcache memcached",
        )
    ]


def test_a_unit_in_error_blocks_and_a_settling_one_waits(model: dict[str, Any]) -> None:
    units = model["applications"]["nova-compute"]["units"]
    units["nova-compute/0"]["workload-status"] = full_status.status("waiting", "no image service")
    units["nova-compute/1"]["workload-status"] = full_status.status(
        "error", 'hook failed: "amqp-relation-changed"'
    )
    assert [f[:2] for f in found(model)] == [
        ("blocked", 'nova-compute/1: in error: hook failed: "amqp-relation-changed"'),
        ("waiting", "nova-compute/0: waiting: no image service"),
    ]


def test_a_unit_that_somebody_paused_is_told_with_the_command_that_brings_it_back(
    model: dict[str, Any],
) -> None:
    unit = model["applications"]["nova-compute"]["units"]["nova-compute/0"]
    message = "Paused. Use 'resume' action to resume normal service."
    unit["workload-status"] = full_status.status("maintenance", message)
    assert found(model) == [
        (
            "waiting",
            f"nova-compute/0: maintenance: {message}",
            "somebody paused it: juju run nova-compute/0 resume",
        )
    ]


def test_a_machine_without_metal_is_told_once_and_its_units_are_not(
    model: dict[str, Any],
) -> None:
    id_ = model["applications"]["nova-compute"]["units"]["nova-compute/0"]["machine"]
    model["machines"][id_] = full_status.gave_up(id_, "openstack-compute")
    unit = model["applications"]["nova-compute"]["units"]["nova-compute/0"]
    unit["workload-status"] = full_status.status("waiting", "waiting for machine")
    assert found(model) == [
        (
            "waiting",
            f"machine {id_}: no machine in MAAS is ready for its constraints "
            "tags=openstack-compute",
            f"make one ready; where node-pool is not related, then: juju retry-provisioning {id_}",
        )
    ]


def test_another_provisioning_error_needs_the_operator(model: dict[str, Any]) -> None:
    model["machines"]["3"]["instance-id"] = "pending"
    model["machines"]["3"]["instance-status"] = full_status.status(
        "provisioning error", "failed to acquire node: Unauthorized"
    )
    assert found(model) == [
        (
            "blocked",
            "machine 3: provisioning error: failed to acquire node: Unauthorized",
            "mend the cause, then: juju retry-provisioning 3",
        )
    ]


def test_a_machine_that_went_down_blocks(model: dict[str, Any]) -> None:
    model["machines"]["3"]["agent-status"] = full_status.status("down", "is not communicating")
    assert [f[1] for f in found(model)] == ["machine 3: its agent is down"]


def test_a_host_that_is_down_is_told_once_for_all_that_runs_on_it(model: dict[str, Any]) -> None:
    lost = full_status.status("down", "is not communicating")
    host = model["machines"]["0"]
    for machine in (host, *host["containers"].values()):
        machine["agent-status"] = lost
    for application in model["applications"].values():
        for unit in (application["units"] or {}).values():
            if unit["machine"].startswith("0"):
                unit["agent-status"] = full_status.status("lost", "agent lost")
    assert [f[1] for f in found(model)] == ["machine 0: its agent is down"]


def test_an_upgrade_that_stopped_halfway_is_found(model: dict[str, Any]) -> None:
    units = model["applications"]["nova-compute"]["units"]
    units["nova-compute/1"]["workload-version"] = "28.1.0"
    [(severity, problem, _)] = found(model)
    assert severity == "blocked"
    assert problem.startswith("nova-compute: its units run different versions: 28.1.0 on nova-com")


def test_a_subordinate_that_nobody_uses_is_told_and_asked_for_no_unit(
    model: dict[str, Any],
) -> None:
    model["applications"]["spare-router"] = {
        **model["applications"]["glance-mysql-router"],
        "units": None,
        "subordinate-to": [],
    }
    assert [f[1] for f in found(model)] == [
        "spare-router: db-router is not related to a database",
        "spare-router: is attached to no application",
    ]


def test_an_application_that_is_going_is_not_asked_for_anything(model: dict[str, Any]) -> None:
    model["applications"]["openstack-dashboard"]["life"] = "dying"
    model["relations"] = [r for r in model["relations"] if "dashboard:" not in r["key"]]
    assert found(model) == []


def test_applications_outside_openstack_are_not_judged(model: dict[str, Any]) -> None:
    units = model["applications"]["k8s-on-openstack"]["units"]
    units["k8s-on-openstack/0"]["workload-status"] = full_status.status("blocked", "no")
    assert found(model) == []


def test_the_summary_names_the_first_findings_and_counts_the_rest(model: dict[str, Any]) -> None:
    for name in ("glance", "keystone", "placement"):
        model["applications"][name]["units"][f"{name}/0"]["workload-status"] = full_status.status(
            "blocked", "no"
        )
    units = model["applications"]["nova-compute"]["units"]
    units["nova-compute/0"]["workload-status"] = full_status.status("maintenance", "installing")
    assessment = readiness.assess(cloud.from_full_status(model, ORIGINS), KNOWN)
    assert assessment.severity == "blocked"
    assert assessment.summary == (
        "glance/0: blocked: no; keystone/0: blocked: no (and 1 more), 1 still settling"
    )


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_the_input(random: Any) -> None:
    broken = copy.deepcopy(READY)
    broken["relations"] = random.sample(broken["relations"], k=len(broken["relations"]) - 9)
    shuffled = copy.deepcopy(broken)
    random.shuffle(shuffled["relations"])
    for key in ("applications", "machines"):
        shuffled[key] = dict(random.sample(list(shuffled[key].items()), k=len(shuffled[key])))
    assert found(broken) == found(shuffled)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(min_value=0, max_value=len(READY["relations"]) - 1), max_size=8))
def test_each_removed_relation_that_is_needed_is_found_and_no_other(gone: set[int]) -> None:
    model = copy.deepcopy(READY)
    model["relations"] = [r for r in model["relations"] if r["id"] not in gone]
    charms = {n: a.charm for n, a in cloud.from_full_status(READY).applications.items()}
    needed = {
        f"{end['application']}: {end['name']} "
        for relation in READY["relations"]
        if relation["id"] in gone
        for end in relation["endpoints"]
        if charms[end["application"]] in KNOWN.charms
        and end["name"] in {n.endpoint for n in KNOWN.charms[charms[end["application"]]].needs}
    }
    # An endpoint with several relations is satisfied by any that is left.
    left = {
        f"{end['application']}: {end['name']} "
        for relation in model["relations"]
        for end in relation["endpoints"]
    }
    named = {f[1].partition("is not related")[0] for f in found(model)}
    assert named == needed - left
