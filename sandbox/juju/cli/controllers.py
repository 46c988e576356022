"""`juju controllers`, `show-controller`, `whoami` (cmd/juju/controller, cmd/juju/user)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import (
    CONTROLLER,
    Command,
    CommandError,
    Context,
    at_most,
    formats,
)
from sandbox.juju.cli.flags import flag
from sandbox.juju.cli.output import filled
from sandbox.juju.cli.session import Session, unqualified
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import NotRemembered

Json = dict[str, Any]


def _controllers(context: Context) -> None:
    store = context.session.store
    known = store.controllers()
    if not known and context.arguments["format"] == "tabular":
        raise CommandError(
            "No controllers registered.\n\nPlease either create a new controller using "
            '"juju bootstrap" or connect to\nanother controller that you have been given access '
            'to using "juju register".\n'
        )
    items = {name: _item(context, name, known[name]) for name in sorted(known)}
    current = store.current_controller()
    context.write({"controllers": items, "current-controller": current}, _table)


def _item(context: Context, name: str, details: Mapping[str, Any]) -> Json:
    store = context.session.store
    try:
        account = store.account(name)
    except NotRemembered:
        account = {}
    current = store.current_model(name)
    owner, _, short = current.partition("/")
    endpoints = list(details.get("api-endpoints") or [])
    return {
        **filled(
            current_model=short if owner == account.get("user") else current,
            user=account.get("user"),
            access=account.get("last-known-access"),
            recent_server=endpoints[0] if endpoints else None,
        ),
        "uuid": details.get("uuid", ""),
        "api-endpoints": endpoints,
        "ca-cert": details.get("ca-cert", ""),
        "cloud": details.get("cloud", ""),
        **filled(region=details.get("region"), agent_version=details.get("agent-version")),
        "controller-machines": {
            "Active": details.get("active-controller-machine-count", 0),
            "Total": details.get("controller-machine-count", 0),
        },
    }


def _table(listing: Mapping[str, Any]) -> str:
    table = Table()
    headers = ("Controller", "Model", "User", "Access", "Cloud/Region", "Models", "Nodes", "HA")
    table.row(*headers, "Version")
    table.align_right(5, 6, 7)
    for name, item in listing["controllers"].items():
        region = item.get("region")
        current = name == listing["current-controller"]
        machines = item["controller-machines"]
        table.row(
            f"{name}{'*' if current else ''}",
            item.get("current-model", "-"),
            item.get("user", "-"),
            item.get("access", "(unknown)"),
            f"{item['cloud']}/{region}" if region else item["cloud"],
            "-",
            machines["Total"],
            "none" if machines["Total"] <= 1 else f"{machines['Active']}/{machines['Total']}",
            item.get("agent-version", "(unknown)"),
        )
    return table.text()


def _show_controller(context: Context) -> None:
    names = context.arguments.positional or (context.session.controller,)
    shown = {}
    for name in names:
        session = context.use(Session(controller=name))
        details = _details(session, name, password=context.arguments["show-password"])
        shown[name] = details if context.arguments["format"] == "json" else _yaml_keys(details)
    context.write(shown)


def _yaml_keys(details: Json) -> Json:
    """The names that YAML has where JSON says uuid."""
    own = {"controller-uuid" if k == "uuid" else k: v for k, v in details["details"].items()}
    models = {
        name: {"model-uuid" if k == "uuid" else k: v for k, v in model.items()}
        for name, model in (details.get("models") or {}).items()
    }
    return {**details, "details": own, **filled(models=models)}


def _details(session: Session, name: str, *, password: bool) -> Json:
    details, account = session.store.controller(name), session.store.account(name)
    models = session.refresh_models()
    summary = session.to_controller().call(
        "ModelManager", "ListModelSummaries", {"user-tag": f"user-{session.user}", "all": True}
    )
    counts = {
        item["result"]["uuid"]: {
            count["entity"]: count["count"] for count in item["result"].get("counts") or []
        }
        for item in summary.get("results") or []
        if item.get("result")
    }
    current = session.store.current_model(name)
    return {
        "details": {
            "uuid": details.get("uuid", ""),
            "api-endpoints": list(details.get("api-endpoints") or []),
            "cloud": details.get("cloud", ""),
            **filled(region=details.get("region"), agent_version=details.get("agent-version")),
            "ca-cert": details.get("ca-cert", ""),
        },
        **filled(
            models={
                unqualified(model.name): {
                    "uuid": model.uuid,
                    **filled(
                        machine_count=counts.get(model.uuid, {}).get("machines"),
                        core_count=counts.get(model.uuid, {}).get("cores"),
                        unit_count=counts.get(model.uuid, {}).get("units"),
                    ),
                }
                for model in models.values()
            },
            current_model=current,
        ),
        "account": {
            "user": account["user"],
            **filled(
                access=account.get("last-known-access"),
                password=account.get("password") if password else None,
            ),
        },
    }


def _whoami(context: Context) -> None:
    session = context.session
    controller = session.controller
    current = session.store.current_model(controller)
    owner, _, short = current.partition("/")
    shown = {
        "controller": controller,
        **filled(model=short if owner == session.user else current),
        "user": session.user,
    }
    context.write(shown, _whoami_table)


def _whoami_table(shown: Mapping[str, str]) -> str:
    table = Table()
    table.row("Controller:", shown["controller"])
    table.row("Model:", shown.get("model", "<no-current-model>"))
    table.row("User:", shown["user"])
    return table.text()


COMMANDS = {
    "controllers": Command(
        _controllers,
        "Lists all controllers.",
        flags=(
            *formats("tabular", "json", "yaml"),
            flag("refresh", "bool", help="Connect to each controller to download the latest"),
            flag("managed", "bool", help="Show controllers managed by JAAS"),
        ),
        check=at_most(0),
    ),
    "show-controller": Command(
        _show_controller,
        "Shows detailed information of a controller.",
        "[<controller name> ...]",
        (
            CONTROLLER,
            *formats("yaml", "json"),
            flag("show-password", "bool", help="Show password for logged in user"),
        ),
    ),
    "whoami": Command(
        _whoami,
        "Print the current controller, model and logged in user name.",
        flags=formats("tabular", "json", "yaml"),
        check=at_most(0),
    ),
}
COMMANDS["list-controllers"] = COMMANDS["controllers"]
