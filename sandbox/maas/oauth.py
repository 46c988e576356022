"""OAuth 1.0a as MAAS checks it: API keys `consumer:token:secret`, signed PLAINTEXT.

Source: MAAS 3.7, maasserver/api/auth.py and piston3, whose messages these are.
"""

from __future__ import annotations

import collections
import secrets
import string
import time
import urllib.parse

from sandbox.maas.refusals import BadRequest, Unauthorized
from sandbox.maas.store import Transaction

_LETTERS = string.ascii_letters + string.digits
_REQUIRED = (
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_nonce",
)
_PATIENCE = 300
"""Seconds that a timestamp may lie back, and that a nonce is remembered."""


def new_key(tx: Transaction, *, username: str | None = None, machine: str | None = None) -> str:
    """Make an API key for a user or a machine; returns `consumer:token:secret`."""
    consumer, key, secret = _random(18), _random(18), _random(32)
    columns = {"username": username, "machine": machine}
    tx.insert("token", key=key, secret=secret, consumer=consumer, **columns)
    return f"{consumer}:{key}:{secret}"


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def parse(header: str) -> dict[str, str] | None:
    """The parameters of an Authorization header; None when it is not OAuth."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme != "OAuth":
        return None
    pairs = (part.partition("=") for part in rest.split(","))
    return {
        name.strip(): urllib.parse.unquote(value.strip().strip('"'))
        for name, separator, value in pairs
        if separator
    }


class Verifier:
    """Checks signatures, and that no request comes twice."""

    def __init__(self) -> None:
        self._nonces: collections.OrderedDict[str, float] = collections.OrderedDict()

    def verify(self, tx: Transaction, header: str) -> tuple[str | None, str | None] | None:
        """Whose request this is: (username, None) or (None, system_id).

        None when it carries no OAuth credential. Unauthorized when it carries a wrong one: the
        text then quotes the right secret, as MAAS's does.
        """
        parameters = parse(header)
        if parameters is None or any(name not in parameters for name in _REQUIRED):
            return None
        if parameters["oauth_signature_method"] != "PLAINTEXT":
            raise _refused(
                f"Signature method {parameters['oauth_signature_method']} not supported try one "
                "of the following: PLAINTEXT"
            )
        self._require_fresh(parameters["oauth_timestamp"])
        known = tx.one("SELECT * FROM token WHERE consumer = ?", parameters["oauth_consumer_key"])
        if known is None:
            raise Unauthorized("Authorization Error: Invalid API key.")
        if known["key"] != parameters["oauth_token"]:
            raise _refused(f"Invalid access token: {parameters['oauth_token']}")
        expected = f"&{known['secret']}"
        if not secrets.compare_digest(expected.encode(), parameters["oauth_signature"].encode()):
            raise _refused(f"Invalid signature. Expected signature base string: {expected}")
        self._require_new(f"{known['key']}:{parameters['oauth_nonce']}")
        return known["username"], known["machine"]

    def _require_fresh(self, timestamp: str) -> None:
        try:
            given, now = int(timestamp), int(time.time())
        except ValueError:
            problem = "oauth_timestamp has an unexpected type"
            text = f"the following problems were found among the auth params: {problem}"
            raise BadRequest(repr(f"Bad Request: {text}")) from None
        if now - given > _PATIENCE:
            raise _refused(
                f"Expired timestamp: given {given} and now {now} has a greater difference than "
                f"threshold {_PATIENCE}"
            )

    def _require_new(self, nonce: str) -> None:
        now = time.monotonic()
        while self._nonces and next(iter(self._nonces.values())) < now - _PATIENCE:
            self._nonces.popitem(last=False)
        if nonce in self._nonces:
            raise _refused(f"Nonce already used: {nonce.partition(':')[2]}")
        self._nonces[nonce] = now


def _refused(message: str) -> Unauthorized:
    return Unauthorized(f"Authorization Error: {message!r}")
