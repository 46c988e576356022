"""`users/`, `account/` and `version/`: who asks, and what answers."""

from __future__ import annotations

from typing import Any

from sandbox.maas import oauth, representation
from sandbox.maas.call import DELETED, Call, Resource
from sandbox.maas.refusals import BadRequest, NotFound

VERSION = "3.7.3"
_CAPABILITIES = (
    "networks-management",
    "static-ipaddresses",
    "ipv6-deployment-ubuntu",
    "devices-management",
    "storage-deployment-ubuntu",
    "network-deployment-ubuntu",
    "bridging-interface-ubuntu",
    "bridging-automatic-ubuntu",
    "authenticate-api",
)


async def version(call: Call) -> Any:
    """GET version/: needs no credential."""
    return {"capabilities": list(_CAPABILITIES), "version": VERSION, "subversion": ""}


async def whoami(call: Call) -> Any:
    """op=whoami: the account that the API key belongs to."""
    with call.region.store.transaction() as tx:
        row = tx.one("SELECT * FROM user WHERE username = ?", call.user)
    return None if row is None else representation.user(row)


async def users(call: Call) -> Any:
    """GET users/: all accounts."""
    with call.region.store.transaction() as tx:
        return [representation.user(row) for row in tx.all("SELECT * FROM user ORDER BY username")]


async def user(call: Call) -> Any:
    """GET users/{username}/."""
    with call.region.store.transaction() as tx:
        row = tx.one("SELECT * FROM user WHERE username = ?", call.path["username"])
    if row is None:
        raise NotFound("User")
    return representation.user(row)


async def create_token(call: Call) -> Any:
    """op=create_authorisation_token: another API key for this account."""
    with call.region.store.transaction() as tx:
        consumer, key, secret = oauth.new_key(tx, username=call.user).split(":")
    return {
        "token_key": key,
        "token_secret": secret,
        "consumer_key": consumer,
        "name": call.form.get("name", "MAAS consumer"),
    }


async def delete_token(call: Call) -> Any:
    """op=delete_authorisation_token: revoke one of this account's API keys."""
    key = call.mandatory("token_key")
    with call.region.store.transaction() as tx:
        if not tx.execute("DELETE FROM token WHERE key = ? AND username = ?", key, call.user):
            raise BadRequest("No matching API token found.")
    return DELETED


async def list_tokens(call: Call) -> Any:
    """op=list_authorisation_tokens: the names and API keys of this account."""
    with call.region.store.transaction() as tx:
        rows = tx.all("SELECT * FROM token WHERE username = ?", call.user)
    return [
        {"name": "MAAS consumer", "token": f"{r['consumer']}:{r['key']}:{r['secret']}"}
        for r in rows
    ]


async def configuration(call: Call) -> Any:
    """GET maas/?op=get_config: the settings that clients ask for."""
    known = {
        "maas_name": "sandbox",
        "default_osystem": "ubuntu",
        "default_distro_series": "noble",
        "commissioning_distro_series": "noble",
    }
    name = call.query.get("name", "")
    if name not in known:
        text = f"{name} is not a valid config setting (valid settings are: {', '.join(known)})."
        raise BadRequest(text)
    return known[name]


ACCOUNTS = (
    Resource("api/2.0/version/", {("GET", None): version}, anonymous={("GET", None): version}),
    Resource("api/2.0/users/", {("GET", None): users, ("GET", "whoami"): whoami}),
    Resource("api/2.0/users/{username}/", {("GET", None): user}),
    Resource(
        "api/2.0/account/",
        {
            ("POST", "create_authorisation_token"): create_token,
            ("POST", "delete_authorisation_token"): delete_token,
            ("GET", "list_authorisation_tokens"): list_tokens,
        },
    ),
    Resource("api/2.0/maas/", {("GET", "get_config"): configuration}),
)
