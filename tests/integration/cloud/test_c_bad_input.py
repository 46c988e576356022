"""Wrong keys, policies and bundles: a clear word with the remedy, and a way back."""

from __future__ import annotations

import pathlib

import pytest

from sandbox import credential_steps
from sandbox.client import JujuFailed
from tests.integration.cloud.cloud import Cloud


def _becomes(cloud: Cloud, application: str, state: str, *words: str) -> str:
    """Wait until an application's status is `state` with these words in its message."""

    def reached() -> str:
        current, message = cloud.application(application)
        told = current == state and all(word in message for word in words)
        return message if told else ""

    return cloud.wait(f"{application} is {state} and says {words}", reached)


def test_a_wrong_maas_key_blocks_and_the_right_one_heals(cloud: Cloud):
    consumer, token, secret = credential_steps.maas_key(cloud.home).split(":")

    cloud.juju("update-secret", "maas-credentials", f"api-key={consumer}:{token}:wrong")
    message = _becomes(cloud, "maas-bmc", "blocked", "maas-credentials")
    assert secret not in message

    cloud.juju("update-secret", "maas-credentials", f"api-key={consumer}:{token}:{secret}")
    cloud.wait_settled()


def test_a_revoked_secret_blocks_and_says_how_to_grant_it(cloud: Cloud):
    cloud.juju("revoke-secret", "maas-credentials", "maas-bmc")
    # Juju tells nobody: the next look, once a minute or asked for, finds it out.
    assert "grant" in cloud.juju("run", "maas-bmc/leader", "sync")
    _becomes(cloud, "maas-bmc", "blocked", "grant")

    cloud.juju("grant-secret", "maas-credentials", "maas-bmc")
    cloud.wait_settled()


def test_an_unreachable_maas_is_named_and_waited_for(cloud: Cloud):
    url = cloud.juju("config", "maas-bmc", "maas-url").strip()

    cloud.juju("config", "maas-bmc", f"maas-url={url.replace(':5443', ':5444')}")
    message = cloud.wait(
        "maas-bmc says that MAAS is unreachable",
        lambda: cloud.application("maas-bmc")[0] != "active" and cloud.application("maas-bmc")[1],
    )
    assert "5444" in message

    cloud.juju("config", "maas-bmc", f"maas-url={url}")
    cloud.wait_settled()


def test_an_invalid_policy_blocks_and_names_the_field(cloud: Cloud):
    cloud.juju("config", "baremetal-inventory", "policy=roles: {compute: {min: many}}")
    _becomes(cloud, "baremetal-inventory", "blocked", "policy", "min")

    cloud.juju("config", "baremetal-inventory", "--reset", "policy")
    cloud.wait_settled()


def test_an_unknown_charm_is_refused_before_anything_is_deployed(
    cloud: Cloud, tmp_path: pathlib.Path
):
    bundle = tmp_path / "bundle.yaml"
    bundle.write_text("applications:\n  x: {charm: no-such-charm, num_units: 1}\n")

    with pytest.raises(JujuFailed, match="no-such-charm"):
        cloud.juju("deploy", str(bundle))
    assert "x" not in cloud.status()["applications"]


def test_a_relation_to_nothing_in_a_bundle_is_refused(cloud: Cloud, tmp_path: pathlib.Path):
    bundle = tmp_path / "bundle.yaml"
    bundle.write_text(
        "applications:\n  y: {charm: memcached, channel: latest/stable}\n"
        "relations:\n  - [y:cache, nobody:cache]\n"
    )

    with pytest.raises(JujuFailed, match="nobody"):
        cloud.juju("deploy", str(bundle))
    assert "y" not in cloud.status()["applications"]


def test_too_few_machines_are_named_per_role_with_their_reasons(cloud: Cloud):
    policy = cloud.juju("config", "baremetal-inventory", "policy")

    cloud.juju("config", "baremetal-inventory", f"policy={_more_osd(policy)}")
    _becomes(cloud, "baremetal-inventory", "blocked", "osd")

    cloud.juju("config", "baremetal-inventory", "--reset", "policy")
    cloud.wait_settled()


def _more_osd(policy: str) -> str:
    import yaml

    document = yaml.safe_load(policy)
    document["roles"]["osd"].update(min=40, want=40)
    return yaml.safe_dump(document)


def test_a_machine_that_no_node_matches_stays_pending_with_maas_s_reason(cloud: Cloud):
    cloud.juju("add-machine", "--constraints", "cores=1000")
    name = max(cloud.status()["machines"], key=int)

    def reason() -> str:
        machine = cloud.status()["machines"][name]
        message = machine["machine-status"].get("message", "")
        return message if "No available machine" in message else ""

    assert "cpu_count" in cloud.wait("MAAS's reason is shown", reason)
    cloud.juju("remove-machine", name, "--force", "--no-prompt")
    cloud.wait("the machine is gone", lambda: name not in cloud.status()["machines"])


def test_an_application_that_disagrees_with_keystone_is_told_with_the_remedy(cloud: Cloud):
    cloud.juju("config", "glance", "region=elsewhere")
    shown = cloud.juju("run", "openstack-coordinator/leader", "show-cloud")
    assert "glance: region is elsewhere, and keystone serves RegionOne" in shown
    assert "juju config glance region=RegionOne" in shown

    cloud.juju("config", "glance", "--reset", "region")
    cloud.wait_settled()
