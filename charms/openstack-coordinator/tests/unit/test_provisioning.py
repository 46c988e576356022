"""Machines that Juju gave up on are tried again once the pool is ready for them, not before."""

from __future__ import annotations

import cloud
import full_status
import provisioning
from hypothesis import given, settings
from hypothesis import strategies as st


def seen(machines: dict[str, dict]) -> cloud.Cloud:
    return cloud.from_full_status({"machines": machines})


def trying(id_: str, role: str) -> dict:
    machine = full_status.gave_up(id_, f"openstack-{role}")
    return {**machine, "instance-status": full_status.status("provisioning", "retrying in 10s")}


def test_nothing_is_tried_while_the_pool_has_nothing_ready() -> None:
    stuck = {"3": full_status.gave_up("3", "openstack-compute")}
    assert provisioning.to_retry(seen(stuck), {"compute": 0, "osd": 5}) == ()


def test_no_more_are_tried_than_are_ready_and_the_lowest_numbers_first() -> None:
    stuck = {id_: full_status.gave_up(id_, "openstack-compute") for id_ in ("10", "2", "3")}
    assert provisioning.to_retry(seen(stuck), {"compute": 2}) == ("2", "3")


def test_a_machine_that_juju_still_tries_takes_one_of_the_ready() -> None:
    machines = {"3": trying("3", "compute"), "4": full_status.gave_up("4", "openstack-compute")}
    assert provisioning.to_retry(seen(machines), {"compute": 1}) == ()
    assert provisioning.to_retry(seen(machines), {"compute": 2}) == ("4",)


def test_a_machine_that_was_asked_to_retry_is_not_asked_twice() -> None:
    machine = full_status.gave_up("3", "openstack-compute")
    machine["instance-status"]["data"] = {"transient": True}
    assert provisioning.to_retry(seen({"3": machine}), {"compute": 1}) == ()


def test_a_machine_whose_tag_did_not_exist_yet_is_tried() -> None:
    """The first machine of a role makes its tag: until then MAAS refuses the constraint."""
    machine = full_status.gave_up("3", "openstack-compute")
    refusal = 'failed to acquire node: 400 Bad Request ({"tags": ["No such tag(s): \'a\'."]})'
    machine["instance-status"] = full_status.status("provisioning error", refusal)
    assert provisioning.to_retry(seen({"3": machine}), {"compute": 1}) == ("3",)


def test_an_error_that_more_metal_does_not_mend_is_left_to_the_operator() -> None:
    machine = full_status.gave_up("3", "openstack-compute")
    machine["instance-status"] = full_status.status("provisioning error", "Unauthorized")
    assert provisioning.to_retry(seen({"3": machine}), {"compute": 1}) == ()


ROLES = st.sampled_from(["compute", "osd", "network"])
STATES = st.sampled_from(["up", "stuck", "trying"])
MAKE = {
    "up": lambda id_, role: full_status.machine(id_, f"tags=openstack-{role}"),
    "stuck": lambda id_, role: full_status.gave_up(id_, f"openstack-{role}"),
    "trying": trying,
}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(ROLES, STATES), max_size=12),
    st.dictionaries(ROLES, st.integers(min_value=0, max_value=6)),
)
def test_never_more_takers_than_ready_machines_and_never_fewer_than_could_be(
    machines: list[tuple[str, str]], ready: dict[str, int]
) -> None:
    made = {str(n): MAKE[state](str(n), role) for n, (role, state) in enumerate(machines)}
    chosen = set(provisioning.to_retry(seen(made), ready))
    for role in ("compute", "osd", "network"):
        stuck = {str(n) for n, (r, s) in enumerate(machines) if (r, s) == (role, "stuck")}
        under_way = sum((r, s) == (role, "trying") for r, s in machines)
        free = max(0, ready.get(role, 0) - under_way)
        assert len(chosen & stuck) == min(len(stuck), free)
    assert chosen <= {str(n) for n, (_, s) in enumerate(machines) if s == "stuck"}
