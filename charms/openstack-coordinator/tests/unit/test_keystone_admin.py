"""Keystone's administrator is read from the keys of the keystone charm, and never shown."""

from __future__ import annotations

import keystone_admin
import pytest

TOLD = {
    "api_version": "3",
    "service_protocol": "https",
    "service_hostname": "10.0.0.5",
    "service_port": "5000",
    "service_region": "RegionOne",
    "service_username": "admin",
    "service_password": "open sesame",
    "service_tenant_name": "Admin",
    "service_project_name": "admin",
    "service_user_domain_name": "admin_domain",
    "service_project_domain_name": "admin_domain",
}


def test_the_account_is_that_of_the_first_unit_that_told_all() -> None:
    account = keystone_admin.from_units("keystone", [{}, {"service_hostname": "10.0.0.4"}, TOLD])
    assert account.auth_url == "https://10.0.0.5:5000/v3"
    assert (account.project, account.project_domain) == ("admin", "admin_domain")


def test_an_address_of_version_6_is_put_in_brackets() -> None:
    account = keystone_admin.from_units("keystone", [{**TOLD, "service_hostname": "fd00::5"}])
    assert account.auth_url == "https://[fd00::5]:5000/v3"


def test_after_a_rotation_what_most_units_tell_is_tried_first() -> None:
    new = {**TOLD, "service_password": "rotated"}
    account = keystone_admin.from_units("keystone", [TOLD, new, new])
    assert account.passwords == ("rotated", "open sesame")
    assert "rotated" not in repr(account)


@pytest.mark.parametrize(
    "key", [key for key in TOLD if key not in ("api_version", "service_tenant_name")]
)
def test_what_keystone_has_not_told_yet_is_named(key: str) -> None:
    with pytest.raises(keystone_admin.NotThere, match=f"has not told {key} yet"):
        keystone_admin.from_units("keystone", [{k: v for k, v in TOLD.items() if k != key}])


def test_an_old_version_of_the_api_is_refused() -> None:
    with pytest.raises(keystone_admin.NotThere, match="version 2"):
        keystone_admin.from_units("keystone", [{**TOLD, "api_version": "2"}])


def test_the_password_is_in_no_representation_and_no_digest() -> None:
    account = keystone_admin.from_units("keystone", [TOLD])
    assert account.passwords == ("open sesame",)
    assert "open sesame" not in repr(account)
    other = keystone_admin.from_units("keystone", [{**TOLD, "service_password": "another"}])
    assert account.digest == other.digest
