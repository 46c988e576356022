"""`juju users`, `add-user`, `remove-user`, `change-user-password`, `grant`, `revoke`.

cmd/juju/user and cmd/juju/model/grantrevoke.go. A user that is added here gets its password by
`juju change-user-password`: the controller does not serve `juju register`.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from sandbox.juju.cli.command import (
    CONTROLLER,
    Command,
    CommandError,
    Context,
    at_least,
    at_most,
    exactly,
    formats,
    quoted,
)
from sandbox.juju.cli.flags import flag
from sandbox.juju.cli.offers import parse_offer_url
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import raise_for

_MODEL_ACCESS = ("read", "write", "admin")
_CONTROLLER_ACCESS = ("login", "superuser")
_OFFER_ACCESS = ("read", "consume", "admin")


def _users(context: Context) -> None:
    session = context.session
    answer = session.to_controller().call("UserManager", "UserInfo", {"entities": []})
    users = []
    for entry in answer["results"]:
        raise_for(entry)
        found = entry["result"]
        users.append(
            {
                "user-name": found["username"],
                "display-name": found["display-name"],
                "access": found["access"],
                "date-created": found["date-created"],
                "last-connection": found.get("last-connection") or "never connected",
            }
        )
    context.write(users, lambda rows: _table(session.controller, session.user, rows))


def _table(controller: str, me: str, users: list[dict[str, Any]]) -> str:
    table = Table()
    table.row("Name", "Display name", "Access", "Date created", "Last connection")
    for user in users:
        name = user["user-name"] + ("*" if user["user-name"] == me else "")
        date = user["date-created"][:10]
        table.row(name, user["display-name"], user["access"], date, user["last-connection"])
    return f"Controller: {controller}\n\n{table.text()}"


def _add(context: Context) -> None:
    name, *display = context.arguments.positional
    connection = context.session.to_controller()
    user = {"username": name, "display-name": "".join(display), "password": ""}
    connection.one("UserManager", "AddUser", {"users": [user]})
    shown = f"{display[0]} ({name})" if display else name
    context.print(f"User {quoted(shown)} added\n")
    context.inform(
        f"{quoted(shown)} has no password yet: give one with "
        f'"juju change-user-password {name}".\n'
        f"{quoted(shown)} has not been granted access to any models. "
        'You can use "juju grant" to grant access.'
    )


def _remove(context: Context) -> None:
    (name,) = context.arguments.positional
    entities = {"entities": [{"tag": f"user-{name}"}]}
    context.session.to_controller().one("UserManager", "RemoveUser", entities)
    context.inform(f"User {quoted(name)} removed")


def _change_password(context: Context) -> None:
    session = context.session
    mine = not context.arguments.positional or context.arguments.positional[0] == session.user
    name = session.user if mine else context.arguments.positional[0]
    password = _read_password(context)
    change = {"changes": [{"tag": f"user-{name}", "password": password}]}
    session.to_controller().one("UserManager", "SetPassword", change)
    if mine:
        account = session.store.account(session.controller)
        session.store.update_account(session.controller, {**account, "password": password})
        context.inform("Your password has been changed.")
    else:
        context.inform(f"Password for {quoted(name)} has been changed.")


def _read_password(context: Context) -> str:
    if context.arguments["no-prompt"]:
        context.stderr.write("reading password from stdin...\n")
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("password cannot be empty")
        return password
    import getpass

    password = getpass.getpass("new password: ")
    if not password:
        raise CommandError("you must enter a password")
    if getpass.getpass("type new password again: ") != password:
        raise CommandError("Passwords do not match")
    return password


def _change_access(context: Context, action: str) -> None:
    user, access, *models = context.arguments.positional
    session = context.session
    tag = f"user-{user}"
    if not models:
        _check_access(access, _CONTROLLER_ACCESS, "controller")
        change = {"user-tag": tag, "action": action, "access": access}
        session.to_controller().one("Controller", "ModifyControllerAccess", {"changes": [change]})
        return
    if any(parse_offer_url(name) for name in models):
        _change_offer_access(context, action, tag, access, models)
        return
    _check_access(access, _MODEL_ACCESS, "model")
    changes = [
        {
            "user-tag": tag,
            "action": action,
            "access": access,
            "model-tag": f"model-{session.find_model(name.rpartition(':')[2]).uuid}",
        }
        for name in models
    ]
    answer = session.to_controller().call(
        "ModelManager", "ModifyModelAccess", {"changes": changes}
    )
    for entry in answer["results"]:
        raise_for(entry)


def _change_offer_access(
    context: Context, action: str, tag: str, access: str, names: list[str]
) -> None:
    """Offers are named by URL, which no name of a model is."""
    _check_access(access, _OFFER_ACCESS, "offer")
    urls = [parse_offer_url(name) for name in names]
    if not all(urls):
        raise CommandError("either specify model names or offer URLs but not both")
    session = context.session
    changes = [
        {
            "user-tag": tag,
            "action": action,
            "access": access,
            "offer-url": str(dataclasses.replace(url, source="", user=url.user or session.user)),
        }
        for url in urls
        if url is not None
    ]
    answer = session.to_controller().call(
        "ApplicationOffers", "ModifyOfferAccess", {"changes": changes}
    )
    for entry in answer["results"]:
        raise_for(entry)


def _check_access(access: str, known: tuple[str, ...], kind: str) -> None:
    if access not in known:
        raise CommandError(f"{quoted(access)} {kind} access not valid")


def _grant(context: Context) -> None:
    _change_access(context, "grant")


def _revoke(context: Context) -> None:
    _change_access(context, "revoke")


COMMANDS = {
    "users": Command(
        _users,
        "Lists Juju users allowed to connect to a controller or model.",
        flags=(CONTROLLER, *formats("tabular", "json", "yaml")),
        check=at_most(0),
    ),
    "add-user": Command(
        _add,
        "Adds a Juju user to a controller.",
        "<user name> [<display name>]",
        flags=(CONTROLLER,),
        check=at_least(1, "no username supplied"),
    ),
    "remove-user": Command(
        _remove,
        "Deletes a Juju user from a controller.",
        "<user name>",
        flags=(CONTROLLER, flag("y yes no-prompt", "bool", help="Do not ask for confirmation")),
        check=exactly(1, "no username supplied"),
    ),
    "change-user-password": Command(
        _change_password,
        "Changes the password for the current or specified Juju user.",
        "[username]",
        flags=(
            CONTROLLER,
            flag(
                "no-prompt",
                "bool",
                help="Don't prompt for password; instead, read a line from stdin.",
            ),
        ),
        check=at_most(1),
    ),
    "grant": Command(
        _grant,
        "Grants access level to a Juju user for a model, controller, or application offer.",
        "<user name> <permission> [<model name> ...]",
        flags=(CONTROLLER,),
        check=at_least(2, "no permission level specified"),
    ),
    "revoke": Command(
        _revoke,
        "Revokes access from a Juju user for a model, controller, or application offer.",
        "<user name> <permission> [<model name> ...]",
        flags=(CONTROLLER,),
        check=at_least(2, "no permission level specified"),
    ),
}
