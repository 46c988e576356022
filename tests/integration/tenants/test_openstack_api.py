"""The coordinator's adapter against the real keystone, nova, neutron and glance."""

from __future__ import annotations

import dataclasses
import datetime
import json

import compute_look
import computes
import nova
import openstack.exceptions
import openstack_api
import pytest
from running_cloud import HOSTS, NAMES, OpenStack, until


def test_an_application_credential_gives_a_tenant_its_own_project_and_no_other(
    cloud: OpenStack,
) -> None:
    tenant = cloud.tenant("first")
    own = tenant.by_application_credential()
    assert own.current_project_id == tenant.issued.project
    assert list(own.compute.servers()) == []
    with pytest.raises(openstack.exceptions.ForbiddenException):
        own.identity.create_project(name="another", domain_id="default")
    cloud.remove(NAMES.project("first"))
    with cloud.session() as admin:
        assert NAMES.project("first") not in admin.projects(NAMES.domain)


def test_to_issue_a_generation_twice_leaves_one_user_and_the_last_credential(
    cloud: OpenStack,
) -> None:
    """As after a hook that died: nobody was told the first."""
    lost = cloud.tenant("twice")
    kept = cloud.tenant("twice")
    assert kept.issued.project == lost.issued.project
    with cloud.session() as admin:
        mine = [name for name in admin.users(NAMES.domain) if name.startswith("twice-")]
    assert mine == [kept.wanted.user]
    assert kept.by_application_credential().current_project_id == kept.issued.project
    with pytest.raises(openstack.exceptions.SDKException):
        lost.by_application_credential().authorize()
    cloud.remove(NAMES.project("twice"))


def test_a_revoked_generation_ends_and_the_next_goes_on(cloud: OpenStack) -> None:
    first, second = cloud.tenant("rotated"), cloud.tenant("rotated", generation=2)
    with cloud.session() as admin:
        admin.revoke(admin.users(NAMES.domain)[first.wanted.user])
        admin.revoke("0123456789abcdef0123456789abcdef")
    with pytest.raises(openstack.exceptions.SDKException):
        first.by_application_credential().authorize()
    assert second.by_application_credential().current_project_id == second.issued.project
    cloud.remove(NAMES.project("rotated"))


def test_what_a_tenant_leaves_is_named_and_its_default_group_is_not_counted(
    cloud: OpenStack,
) -> None:
    tenant = cloud.tenant("untidy")
    own = tenant.by_application_credential()
    network = own.network.create_network(name="left behind")
    with cloud.session() as admin:
        assert admin.left_in(tenant.issued.project) == [f"network left behind ({network.id})"]
        own.network.delete_network(network)
        assert admin.left_in(tenant.issued.project) == []
    cloud.remove(NAMES.project("untidy"))
    # Neutron makes a default group for whatever project it is asked about: ask for all.
    owners = {group.project_id for group in cloud.admin.network.security_groups()}
    assert tenant.issued.project not in owners, "no group is orphaned"


def test_computes_are_seen_up_and_mapped_with_their_zones_and_sizes(cloud: OpenStack) -> None:
    with cloud.session() as admin:
        seen = nova.Nova(admin).computes()
    assert {service.host: service.zone for service in seen.computes} == HOSTS
    now = datetime.datetime.now(datetime.timezone.utc)
    assert computes.findings(seen, len(HOSTS), now) == ()
    rooms = {room.zone: room for room in computes.room(seen)}
    assert rooms["all"].hypervisors == len(HOSTS)
    assert rooms["az1"].vcpus > 0


def test_the_endpoints_are_those_of_the_catalogue(cloud: OpenStack) -> None:
    with cloud.session() as admin:
        endpoints = admin.endpoints()
    assert endpoints["compute"].endswith("/v2.1")
    assert {"network", "image", "identity"} <= set(endpoints)


def test_a_wrong_password_is_a_refused_login_that_does_not_repeat_it(cloud: OpenStack) -> None:
    wrong = dataclasses.replace(cloud.account, passwords=("wrong password",))
    with pytest.raises(openstack_api.LoginRefused) as refused, cloud.session(wrong) as admin:
        admin.users(NAMES.domain)
    assert "wrong password" not in str(refused.value)


def test_a_refused_administrator_is_told_with_what_to_do_by_the_name_of_his_application(
    cloud: OpenStack,
) -> None:
    wrong = dataclasses.replace(cloud.account, application="iam", passwords=("a wrong one",))
    now = datetime.datetime.now(datetime.timezone.utc)
    (finding,) = compute_look.findings({}, wrong, "", HOSTS, now)
    assert (finding.severity, finding.subject) == ("blocked", "iam")
    assert "juju exec --unit iam/leader hooks/config-changed" in finding.remedy
    assert "a wrong one" not in str(finding)


def test_of_the_passwords_that_units_tell_the_one_that_keystone_takes_is_used(
    cloud: OpenStack,
) -> None:
    rotated = ("an old one", *cloud.account.passwords, "another")
    with cloud.session(dataclasses.replace(cloud.account, passwords=rotated)) as admin:
        assert admin.endpoints()


def test_a_keystone_that_does_not_answer_may_be_asked_again(cloud: OpenStack) -> None:
    nowhere = dataclasses.replace(
        cloud.account, auth_url=f"http://{cloud.home.service_address(99)}:5000/v3"
    )
    with pytest.raises(openstack_api.Unreachable), cloud.session(nowhere) as admin:
        admin.users(NAMES.domain)


def test_a_change_of_the_administrators_password_that_was_cut_short_is_ended(
    cloud: OpenStack,
) -> None:
    """The sandbox's part: Keystone has the new one, and nobody has been told."""
    [old] = cloud.account.passwords
    admin = cloud.admin.identity.find_user("admin")
    cloud.admin.identity.update_user(admin, password="the next one")
    for wanted in ("the next one", old):
        part = cloud.folder / "wanted"
        part.write_text(wanted, encoding="ascii")
        part.replace(cloud.folder / "administrator" / "password")
        until(lambda wanted=wanted: _told(cloud) == wanted, 30, "the password is told")
        with cloud.session(dataclasses.replace(cloud.account, passwords=(wanted,))) as session:
            assert session.endpoints()


def _told(cloud: OpenStack) -> str:
    clouds = json.loads((cloud.folder / "clouds.yaml").read_text(encoding="ascii"))
    return clouds["clouds"]["sandbox"]["auth"]["password"]
