"""Where the applications of a cloud disagree, and what the operator is told to do about it."""

from __future__ import annotations

import copy
from typing import Any

import cloud
import coherence
import full_status
import knowledge
import pytest
import snapshot
from example_cloud import at_release

KNOWN = knowledge.load()
SPACES = {"": "oam", "public": "outside", "internal": "oam", "admin": "oam"}


def found(model: dict[str, Any], **options: dict[str, Any]) -> list[tuple[str, str]]:
    """Finding and remedy of everything found in the bundle with high availability."""
    known = copy.deepcopy(full_status.options(full_status.bundle(full_status.HA)))
    for name, values in options.items():
        known[name.replace("_", "-")] |= values
    seen = cloud.from_full_status(model, known)
    findings = coherence.findings(seen, KNOWN)
    assert {finding.severity for finding in findings} <= {"blocked"}
    return [(str(finding), finding.remedy) for finding in findings]


@pytest.fixture
def model() -> dict[str, Any]:
    return copy.deepcopy(full_status.of_bundle(full_status.HA))


def test_a_region_that_keystone_does_not_serve_is_told(model: dict[str, Any]) -> None:
    keystone = {"region": "east west"}
    assert found(model, keystone=keystone, glance={"region": "west"}) == []
    assert found(model, keystone=keystone, glance={"region": "RegionOne"}) == [
        (
            "glance: region is RegionOne, and keystone serves east, west",
            "juju config glance region=east",
        )
    ]


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("10.0.0", "vip 10.0.0 is no address"),
        ("{glance}", "vip {glance} is that of cinder, too"),
    ],
)
def test_a_virtual_address_is_an_address_and_its_owners_alone(
    model: dict[str, Any], address: str, problem: str
) -> None:
    options = full_status.options(full_status.bundle(full_status.HA))
    taken = options["glance"]["vip"]
    names = {"glance": taken}
    whole = found(model, cinder={"vip": address.format(**names)})
    (told,) = (text for text, _ in whole)
    subject = "glance" if "{glance}" in address else "cinder"
    assert told == f"{subject}: {problem.format(**names)}"


def test_a_virtual_address_belongs_on_machines_of_its_units(model: dict[str, Any]) -> None:
    vip = full_status.options(full_status.bundle(full_status.HA))["keystone"]["vip"]
    units = model["applications"]["keystone"]["units"]
    own, *_ = (unit["machine"] for unit in units.values())
    _machine(model, own)["ip-addresses"] = ["10.0.0.9", vip]
    assert found(model) == []
    other = next(iter(model["machines"].values()))
    other["ip-addresses"] = ["10.0.0.8", vip]
    assert [text for text, _ in found(model)] == [
        f"keystone: vip {vip} is on machine {other['id']}, where it has no unit"
    ]


def _machine(model: dict[str, Any], id_: str) -> dict[str, Any]:
    host, _, rest = id_.partition("/")
    machine = model["machines"][host]
    return machine["containers"][id_] if rest else machine


def test_each_space_of_an_api_has_a_virtual_address(model: dict[str, Any]) -> None:
    for name in ("keystone", "glance"):
        model["applications"][name]["endpoint-bindings"] = SPACES
    two = {"vip": "10.1.0.1 10.2.0.1"}
    told = found(model, keystone=two)
    assert told == [
        (
            "glance: 1 vip for 2 spaces",
            "juju config glance vip='<an address in each of oam, outside>'",
        )
    ]
    assert found(model, keystone=two, glance={"vip": "10.1.0.2 10.2.0.2"}) == []


def test_an_api_is_in_the_spaces_that_keystone_is_in(model: dict[str, Any]) -> None:
    model["applications"]["keystone"]["endpoint-bindings"] = SPACES
    model["applications"]["glance"]["endpoint-bindings"] = {**SPACES, "public": "oam"}
    options = {"keystone": {"vip": "10.1.0.1 10.2.0.1"}}
    assert found(model, **options) == [
        (
            "glance: public is in oam; that of keystone is in outside",
            "juju bind glance public=outside",
        )
    ]
    # What was deployed without a word about spaces is in the default one.
    model["applications"]["glance"]["endpoint-bindings"] = None
    told = found(model, **options, glance={"region": "RegionOne"})
    assert told == [
        (
            "glance: public is in alpha; that of keystone is in outside",
            "juju bind glance public=outside",
        ),
        (
            "glance: internal is in alpha, admin is in alpha; that of keystone is in oam",
            "juju bind glance internal=oam admin=oam",
        ),
    ]


def test_one_authority_signs_for_all(model: dict[str, Any]) -> None:
    for relation in model["relations"]:
        for end in relation["endpoints"]:
            if end["application"] == "vault" and "glance:certificates" in relation["key"]:
                end["application"] = "other-vault"
    assert found(model) == [
        (
            "glance: takes its certificates from other-vault, and keystone from vault",
            "juju remove-relation glance:certificates other-vault; "
            "juju integrate glance:certificates vault",
        )
    ]


def test_without_a_relation_the_ca_is_that_of_keystone(model: dict[str, Any]) -> None:
    model["relations"] = [r for r in model["relations"] if "certificates" not in r["key"]]
    for name in ("vault", "vault-hacluster", "vault-mysql-router"):
        model["applications"].pop(name, None)
    ca, other, none = ({"ssl_ca": value, "region": "one"} for value in ("QUJD", "WFla", ""))
    queue = {"ssl_ca": "WFla"}
    whole = found(model, keystone=ca, glance=ca, cinder=other, rabbitmq_server=queue)
    told = [text for text, _ in whole if "ssl_ca" in text]
    assert told == ["cinder: ssl_ca is another than that of keystone"], "a queue has its own"
    told = [text for text, _ in found(model, keystone=ca, glance=none) if "ssl_ca" in text]
    assert told == ["glance: ssl_ca is not set, as is that of keystone"]


def test_a_cloud_that_agrees_with_itself_hears_nothing() -> None:
    for release in ("yoga", "2024.1"):
        seen: snapshot.Snapshot = at_release(release).look()
        assert coherence.findings(seen.cloud, KNOWN) == ()
