"""The secret that holds the Juju account: what is right, and what is told when it is not."""

from __future__ import annotations

import pytest
from charms.openstack_coordinator.v0 import juju_login
from hypothesis import given
from hypothesis import strategies as st

ACCOUNT = {"username": "coordinator", "password": "open sesame"}
OWN = ("10.0.0.1:17070",)


def test_without_endpoints_it_is_the_controller_of_the_unit() -> None:
    assert juju_login.from_secret(ACCOUNT, OWN).endpoints == OWN


@pytest.mark.parametrize(
    "listed", ["a:1,[fd00::1]:17070", "a:1 [fd00::1]:17070", "a:1\n[fd00::1]:17070"]
)
def test_endpoints_are_tried_in_the_order_given(listed: str) -> None:
    credentials = juju_login.from_secret({**ACCOUNT, "endpoints": listed}, OWN)
    assert credentials.endpoints == ("a:1", "[fd00::1]:17070")


@pytest.mark.parametrize("endpoint", ["juju.example", ":17070", "a:", "a:0", "a:65536", "a:http"])
def test_what_is_no_endpoint_is_named(endpoint: str) -> None:
    with pytest.raises(juju_login.InvalidLogin, match="is not host:port"):
        juju_login.from_secret({**ACCOUNT, "endpoints": endpoint}, OWN)


def test_without_any_endpoint_it_says_what_to_set() -> None:
    with pytest.raises(juju_login.InvalidLogin, match="endpoints is missing: set it"):
        juju_login.from_secret(ACCOUNT, ())


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=8))
def test_the_password_is_in_no_error_and_in_no_representation(password: str) -> None:
    content = {"username": "coordinator", "password": f"<{password}>", "endpoints": "nowhere"}
    with pytest.raises(juju_login.InvalidLogin) as raised:
        juju_login.from_secret(content, OWN)
    whole = juju_login.from_secret({**content, "endpoints": "a:1"}, OWN)
    assert f"<{password}>" not in str(raised.value) + repr(whole)
