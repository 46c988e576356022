"""The charm's configuration, checked: what cannot be used is refused with its remedy."""

from __future__ import annotations

import dataclasses
import ssl
import urllib.parse
from collections.abc import Mapping

SHORTEST_POLL = 5
LONGEST_POLL = 3600


class Invalid(ValueError):
    """An option cannot be used; the message names it and says what to do."""


@dataclasses.dataclass(frozen=True)
class ApiKey:
    """MAAS's API key: who asks, on whose behalf, and the proof."""

    consumer: str
    token: str = dataclasses.field(repr=False)
    secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Account:
    """A user of a BMC."""

    user: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Accounts:
    """The BMC accounts that the operator gave, instead of those in MAAS."""

    every: Account | None = None
    by_hostname: Mapping[str, Account] = dataclasses.field(default_factory=dict)

    def of(self, hostname: str) -> Account | None:
        """The account for one machine, or None when MAAS's own is to be used."""
        return self.by_hostname.get(hostname, self.every)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """All that the charm needs to reach MAAS and the BMCs."""

    url: str
    """The region's address, ending in /MAAS."""
    key: ApiKey
    ca_bundle: str
    """PEM; empty for the CAs that the machine trusts."""
    poll_interval: int
    """Seconds."""
    accounts: Accounts


def read(
    options: Mapping[str, str | int | float | bool],
    maas_secret: Mapping[str, str],
    bmc_secret: Mapping[str, str] | None,
) -> Configuration:
    """The configuration from the options and the contents of the two secrets.

    Raises:
        Invalid: naming the first option that cannot be used.
    """
    return Configuration(
        url=_url(str(options.get("maas-url", ""))),
        key=_key(maas_secret),
        ca_bundle=_ca_bundle(str(options.get("ca-bundle", ""))),
        poll_interval=_poll_interval(int(options.get("poll-interval", 10))),
        accounts=_accounts(bmc_secret or {}),
    )


def _url(text: str) -> str:
    if not text.strip():
        raise Invalid("maas-url is not set: set it to https://<region>:5443/MAAS")
    parts = urllib.parse.urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid("maas-url is not an http or https address: use https://<region>:5443/MAAS")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid("maas-url holds more than an address: the key belongs in maas-credentials")
    path = parts.path.split("/api/")[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path or '/MAAS'}"


def _key(secret: Mapping[str, str]) -> ApiKey:
    text = secret.get("api-key", "").strip()
    if not text:
        raise Invalid("maas-credentials: the secret has no key api-key: add it by update-secret")
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise Invalid(
            "maas-credentials: api-key is not consumer:token:secret: copy all of `maas apikey`"
        )
    return ApiKey(*parts)


def _ca_bundle(text: str) -> str:
    if not text.strip():
        return ""
    try:
        ssl.create_default_context(cadata=text)
    except ssl.SSLError as error:
        raise Invalid(
            "ca-bundle is not a CA certificate in PEM: set it by ca-bundle=@<file>"
        ) from error
    return text


def _poll_interval(seconds: int) -> int:
    if not SHORTEST_POLL <= seconds <= LONGEST_POLL:
        raise Invalid(
            f"poll-interval is {seconds}: set it to {SHORTEST_POLL} to {LONGEST_POLL} seconds"
        )
    return seconds


def _accounts(secret: Mapping[str, str]) -> Accounts:
    every: Account | None = None
    by_hostname: dict[str, Account] = {}
    for key in secret:
        prefix, separator, last = key.rpartition("-")
        if last not in ("username", "password"):
            raise Invalid(
                f"bmc-credentials: unknown key {key}: use username and password, or"
                " <hostname>-username and <hostname>-password"
            )
        account = _account(secret, f"{prefix}{separator}")
        if prefix:
            by_hostname[prefix] = account
        else:
            every = account
    return Accounts(every, by_hostname)


def _account(secret: Mapping[str, str], prefix: str) -> Account:
    for key in (f"{prefix}username", f"{prefix}password"):
        if not secret.get(key):
            raise Invalid(f"bmc-credentials: {key} is missing: add it by update-secret")
    return Account(secret[f"{prefix}username"], secret[f"{prefix}password"])
