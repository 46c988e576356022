"""Only what says itself that it is the cluster's is swept; all else is left alone and listed."""

from __future__ import annotations

import ownership
from hypothesis import given
from hypothesis import strategies as st
from ownership import SWEEP_ORDER, Claim, Resource

MODEL = "5ac3e0f2-0000-4000-8000-000000000001"
CLAIM = Claim("edge.8c1b5b0e", MODEL)


def ids(resources: tuple[Resource, ...]) -> list[str]:
    return [one.id for one in resources]


def test_the_tag_the_metadata_and_jujus_model_prove_ownership() -> None:
    mine = [
        Resource("network", "n", tags=frozenset({"k8s-cluster=edge.8c1b5b0e"})),
        Resource("volume", "v", metadata={"k8s-cluster": "edge.8c1b5b0e"}),
        Resource("server", "s", metadata={"juju-model-uuid": MODEL}),
        Resource("security group", "g", f"juju-aaaa-{MODEL}-0"),
    ]
    assert set(ids(ownership.owned(mine, CLAIM))) == {"n", "v", "s", "g"}


def test_a_name_alone_proves_nothing() -> None:
    others = [
        Resource("server", "s1", "k8s-edge"),
        Resource("network", "n1", "k8s-edge", tags=frozenset({"k8s-cluster=edge.ffffffff"})),
        Resource("server", "s2", metadata={"juju-model-uuid": "another"}),
        Resource("server", "s3", f"juju-{MODEL}"),
    ]
    assert ownership.owned(others, CLAIM) == ()
    assert len(ownership.foreign(others, CLAIM)) == 4


def test_a_cluster_that_never_had_a_model_owns_nothing_by_an_empty_uuid() -> None:
    odd = [Resource("security group", "g", "juju-group"), Resource("server", "s", metadata={})]
    assert ownership.owned(odd, Claim("edge.8c1b5b0e")) == ()


def test_what_serves_only_things_of_the_cluster_goes_with_them() -> None:
    network = Resource("network", "n", tags=frozenset({"k8s-cluster=edge.8c1b5b0e"}))
    balancer = Resource("load balancer", "l", "kube_service_x", of=("n",))
    port = Resource("port", "p", of=("n",))
    other = Resource("port", "q", of=("elsewhere",))
    found = ownership.owned([network, balancer, port, other], CLAIM)
    assert ids(found) == ["l", "p", "n"]


def test_a_volume_that_the_cluster_borrows_is_left_alone() -> None:
    server = Resource("server", "s", metadata={"juju-model-uuid": MODEL})
    borrowed = Resource("volume", "v", of=("s",))
    assert ids(ownership.owned([server, borrowed], CLAIM)) == ["s"]
    assert ownership.unmarked([server, borrowed], CLAIM) == ()


RESOURCES = st.lists(
    st.builds(
        Resource,
        st.sampled_from(SWEEP_ORDER),
        st.uuids().map(str),
        st.sampled_from(["", "k8s-edge", f"juju-1-{MODEL}"]),
        st.sampled_from([frozenset(), frozenset({"k8s-cluster=edge.8c1b5b0e"})]),
        st.sampled_from([{}, {"juju-model-uuid": MODEL}, {"k8s-cluster": "other.1"}]),
    ),
    unique_by=lambda one: one.id,
)


@given(RESOURCES)
def test_everything_is_either_the_clusters_or_foreign_and_in_an_order_that_can_be_deleted(
    resources: list[Resource],
) -> None:
    mine, others = ownership.owned(resources, CLAIM), ownership.foreign(resources, CLAIM)
    assert sorted(ids((*mine, *others))) == sorted(one.id for one in resources)
    order = [SWEEP_ORDER.index(one.kind) for one in mine]
    assert order == sorted(order)
    assert all(CLAIM.proves(one) for one in mine)
