"""The environment of the processes that the engine runs for a unit. Pure."""

from __future__ import annotations

import dataclasses
import pathlib

from sandbox.juju.engine.context import HookContext

JUJU_VERSION = "3.6.28"

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where hooks find programs, after the tools."""


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Where a unit runs: what its environment tells that no hook changes."""

    charm_folder: pathlib.Path
    tools: pathlib.Path
    socket: pathlib.Path
    api_addresses: tuple[str, ...]
    model_name: str
    hostname: str = ""
    """Of the unit's machine. All machines share one kernel: gethostname() cannot tell it."""
    availability_zone: str = ""
    storage_location: str = ""
    storage_kind: str = ""
    proxies: tuple[tuple[str, str], ...] = ()
    """The model's http-proxy, https-proxy, ftp-proxy and no-proxy that are set."""
    charm_proxies: tuple[str, str, str, str] = ("", "", "", "")
    """juju-http-proxy, juju-https-proxy, juju-ftp-proxy, juju-no-proxy."""


def variables(context: HookContext, where: Surroundings) -> dict[str, str]:
    """Everything that the process finds in its environment, as Juju sets it on Ubuntu.

    runner/context/context.go HookVars and env.go. Nothing of the daemon's own is in it.
    """
    return {
        **_proxies(where),
        **_unit(context, where),
        **_relation(context),
        **_action(context),
        **_secret(context),
        **_storage(context, where),
        "APT_LISTCHANGES_FRONTEND": "none",
        "DEBIAN_FRONTEND": "noninteractive",
        "LANG": "C.UTF-8",
        "TERM": "tmux-256color",
        # What the charm's machine would have, and this one must not run in its place.
        "PATH": f"{where.tools}:{where.charm_folder / 'bin'}:{SYSTEM_PATH}",
        **({"HOSTNAME": where.hostname} if where.hostname else {}),
    }


def _unit(context: HookContext, where: Surroundings) -> dict[str, str]:
    unit = context.unit
    http, https, ftp, none = where.charm_proxies
    return {
        "CHARM_DIR": str(where.charm_folder),
        "JUJU_CHARM_DIR": str(where.charm_folder),
        "JUJU_CONTEXT_ID": context.id,
        "JUJU_HOOK_NAME": context.name if context.hook else "",
        "JUJU_AGENT_SOCKET_ADDRESS": str(where.socket),
        "JUJU_AGENT_SOCKET_NETWORK": "unix",
        "JUJU_UNIT_NAME": unit.name,
        "JUJU_MODEL_UUID": unit.model,
        "JUJU_MODEL_NAME": where.model_name,
        "JUJU_API_ADDRESSES": " ".join(where.api_addresses),
        "JUJU_SLA": "unsupported",
        "JUJU_MACHINE_ID": unit.machine or "",
        "JUJU_PRINCIPAL_UNIT": unit.principal or "",
        "JUJU_AVAILABILITY_ZONE": where.availability_zone,
        "JUJU_VERSION": JUJU_VERSION,
        "CLOUD_API_VERSION": "",
        "JUJU_CHARM_HTTP_PROXY": http,
        "JUJU_CHARM_HTTPS_PROXY": https,
        "JUJU_CHARM_FTP_PROXY": ftp,
        "JUJU_CHARM_NO_PROXY": none,
    }


def _proxies(where: Surroundings) -> dict[str, str]:
    names = [(name.replace("-", "_"), value) for name, value in where.proxies]
    return {spelling: value for name, value in names for spelling in (name, name.upper())}


def _relation(context: HookContext) -> dict[str, str]:
    relation = context.hook_relation()
    if relation is None:
        return {}
    found = {
        "JUJU_RELATION": relation.endpoint,
        "JUJU_RELATION_ID": relation.identity,
        "JUJU_REMOTE_UNIT": context.remote_unit,
        "JUJU_REMOTE_APP": context.remote_application,
    }
    if context.hook is not None and context.hook.departing_unit:
        found["JUJU_DEPARTING_UNIT"] = context.hook.departing_unit
    return found


def _action(context: HookContext) -> dict[str, str]:
    if context.action is None:
        return {}
    return {
        "JUJU_ACTION_NAME": context.action.name,
        "JUJU_ACTION_UUID": str(context.action.task),
        "JUJU_ACTION_TAG": f"action-{context.action.task}",
    }


def _secret(context: HookContext) -> dict[str, str]:
    hook = context.hook
    if hook is None or not hook.about_secret:
        return {}
    found = {
        "JUJU_SECRET_ID": f"secret:{hook.secret}",
        "JUJU_SECRET_LABEL": hook.secret_label,
    }
    if hook.shown_revision:
        found["JUJU_SECRET_REVISION"] = str(hook.shown_revision)
    return found


def _storage(context: HookContext, where: Surroundings) -> dict[str, str]:
    if context.hook is None or not context.hook.about_storage:
        return {}
    return {
        "JUJU_STORAGE_ID": context.hook.storage,
        "JUJU_STORAGE_LOCATION": where.storage_location,
        "JUJU_STORAGE_KIND": where.storage_kind,
    }
