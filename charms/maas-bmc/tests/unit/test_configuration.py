"""Configuration: what is accepted, and what the operator is told otherwise."""

from __future__ import annotations

from typing import Any

import configuration
import pytest

KEY = {"api-key": "consumer:token:secret"}
OPTIONS: dict[str, Any] = {"maas-url": "https://maas.example:5443/MAAS", "poll-interval": 10}


def _refusal(
    options: dict[str, Any] | None = None,
    maas: dict[str, str] | None = None,
    bmc: dict[str, str] | None = None,
) -> str:
    with pytest.raises(configuration.Invalid) as refused:
        configuration.read({**OPTIONS, **(options or {})}, KEY if maas is None else maas, bmc)
    return str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "https://maas.example:5443/MAAS",
        "https://maas.example:5443/MAAS/",
        "https://maas.example:5443",
        " https://maas.example:5443/MAAS/api/2.0/ ",
    ],
)
def test_the_address_of_the_region_is_taken_in_every_form_that_operators_write(given: str) -> None:
    read = configuration.read({**OPTIONS, "maas-url": given}, KEY, None)
    assert read.url == "https://maas.example:5443/MAAS"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"maas-url": ""}, "maas-url is not set"),
        ({"maas-url": "maas.example"}, "maas-url is not an http or https address"),
        ({"maas-url": "ftp://maas.example"}, "maas-url is not an http or https address"),
        ({"maas-url": "https://u:p@maas.example/MAAS"}, "maas-url holds more than an address"),
        ({"ca-bundle": "no certificate"}, "ca-bundle is not a CA certificate in PEM"),
        ({"poll-interval": 1}, "poll-interval is 1: set it to 5 to 3600 seconds"),
        ({"poll-interval": 9999}, "poll-interval is 9999: set it to 5 to 3600 seconds"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, Any], told: str) -> None:
    assert _refusal(options).startswith(told)


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ({}, "maas-credentials: the secret has no key api-key"),
        ({"key": "a:b:c"}, "maas-credentials: the secret has no key api-key"),
        ({"api-key": "hunter2"}, "maas-credentials: api-key is not consumer:token:secret"),
        ({"api-key": "a:hunter2:"}, "maas-credentials: api-key is not consumer:token:secret"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(
    secret: dict[str, str], told: str
) -> None:
    refusal = _refusal(maas=secret)
    assert refusal.startswith(told)
    assert "hunter2" not in refusal


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ({"username": "root"}, "bmc-credentials: password is missing"),
        ({"node-1-password": "hunter2"}, "bmc-credentials: node-1-username is missing"),
        ({"user": "root", "password": "hunter2"}, "bmc-credentials: unknown key user"),
    ],
)
def test_half_an_account_is_refused_without_showing_it(secret: dict[str, str], told: str) -> None:
    refusal = _refusal(bmc=secret)
    assert refusal.startswith(told)
    assert "hunter2" not in refusal


def test_a_machines_own_account_goes_before_the_one_for_all() -> None:
    secret = {
        "username": "root",
        "password": "common",
        "node-1-username": "admin",
        "node-1-password": "special",
    }
    accounts = configuration.read(OPTIONS, KEY, secret).accounts
    assert accounts.of("node-1") == configuration.Account("admin", "special")
    assert accounts.of("node-2") == configuration.Account("root", "common")


def test_without_accounts_those_in_maas_are_used() -> None:
    assert configuration.read(OPTIONS, KEY, None).accounts.of("node-1") is None


def test_what_is_secret_is_not_shown_when_it_is_printed() -> None:
    read = configuration.read(OPTIONS, KEY, {"username": "root", "password": "hunter2"})
    assert "hunter2" not in repr(read)
    assert "token" not in repr(read)
    assert "'secret'" not in repr(read)
