"""Credentials of clouds, on this client and on the controller (cmd/juju/cloud)."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import (
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    at_most,
    exactly,
    formats,
    positional,
)
from sandbox.juju.cli.config_files import read_yaml
from sandbox.juju.cli.credential_documents import credential_tag, wire_credential
from sandbox.juju.cli.flags import flag
from sandbox.juju.cli.output import filled
from sandbox.juju.cli.places import PLACE_FLAGS, Place, asked_place, reading_place
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import raise_for

Json = dict[str, Any]
# Attributes that may name a file instead of holding its content (cloud/credentials.go).
_FILE_ATTRIBUTES = ("client-cert", "client-key", "server-cert", "jsonfile")
# What show-credential and credentials hide unless --show-secrets is given.
_HIDDEN = ("maas-oauth", "password", "secret-key", "client-key", "token", "trust-password")


def _add_credential(context: Context) -> None:
    arguments = context.arguments
    cloud = arguments.positional[0]
    place = asked_place(context, "add a credential to")
    if not arguments["file"]:
        raise CommandError("a credential is read from a file: give it with -f or --file")
    added = credentials_in_file(arguments["file"], cloud)
    definition = _definition(context, place, cloud)
    for name, details in added.items():
        _check_auth_type(cloud, name, details, definition)
    failed = False
    if place.client:
        failed = not _add_local(context, cloud, added, arguments["file"], arguments["region"])
    if place.controller:
        failed = not _upload(context, cloud, added, "added") or failed
    if failed:
        raise Silent


def _add_local(
    context: Context, cloud: str, added: Mapping[str, Json], path: str, region: str
) -> bool:
    store = context.session.store
    everything = store.credentials()
    existing = everything.get(cloud) or {}
    new = {name: details for name, details in added.items() if name not in existing}
    for name in added:
        if name not in new:
            context.inform(
                f'ERROR credential "{name}" for cloud "{cloud}" already exists locally, use '
                f"'juju update-credential {cloud} {name} -f {path}' to update this local "
                "client copy"
            )
    if new:
        default = {"default-region": region} if region else {}
        store.set_credentials({**everything, cloud: {**existing, **default, **new}})
        names = ", ".join(sorted(new))
        plural = "s" if len(new) > 1 else ""
        context.print(f'Credential{plural} "{names}" added locally for cloud "{cloud}".\n\n')
    else:
        context.print(f'No local credentials for cloud "{cloud}" changed.\n')
    return len(new) == len(added)


def _update_credential(context: Context) -> None:
    arguments, session = context.arguments, context.session
    cloud, *named = arguments.positional
    place = asked_place(context, "update credential on")
    if arguments["file"]:
        changed = credentials_in_file(arguments["file"], cloud)
    else:
        changed = _named(session.store.credentials().get(cloud))
        if not changed:
            context.warn(f"Could not find credentials for cloud {cloud} on this client.")
            context.inform("Use `juju add-credential` to add a credential to this client.")
            raise Silent
    if named:
        if named[0] not in changed:
            raise CommandError(f"credential {named[0]} for cloud {cloud} not found")
        changed = {named[0]: changed[named[0]]}
    if place.client and arguments["file"]:
        everything = session.store.credentials()
        session.store.set_credentials(
            {**everything, cloud: {**(everything.get(cloud) or {}), **changed}}
        )
        context.inform(
            "Local client was updated successfully with provided credential information."
        )
    if place.controller and not _upload(context, cloud, changed, "updated"):
        raise Silent


def _upload(context: Context, cloud: str, credentials: Mapping[str, Json], verb: str) -> bool:
    """Send credentials to the controller and tell what became of each."""
    session = context.session
    owner = session.user
    tagged = [
        {
            "tag": credential_tag(cloud, owner, name),
            "credential": wire_credential(_expanded(details)),
        }
        for name, details in credentials.items()
    ]
    parameters = {"credentials": tagged, "force": bool(context.arguments.options.get("force"))}
    answer = session.to_controller().call("Cloud", "UpdateCredentialsCheckModels", parameters)
    good = True
    for name, result in zip(credentials, answer.get("results") or [], strict=False):
        _tell_models(context, result)
        if error := result.get("error"):
            good = False
            context.warn(
                f'Controller credential "{name}" for user "{owner}" for cloud "{cloud}" on '
                f'controller "{session.controller}" not {verb}: {error.get("message")}.'
            )
            continue
        context.inform(
            f'Controller credential "{name}" for user "{owner}" for cloud "{cloud}" on '
            f'controller "{session.controller}" {verb}.\n'
            f"For more information, see 'juju show-credential {cloud} {name}'."
        )
    return good


def _tell_models(context: Context, result: Mapping[str, Any]) -> None:
    valid, invalid = [], []
    for model in result.get("models") or []:
        (invalid if model.get("errors") else valid).append(model)
    if valid:
        names = "".join(f"\n  {model['name']}" for model in valid)
        context.inform(f"Credential valid for:{names}")
    for model in invalid:
        problems = "".join(f"\n    {e['error']['message']}" for e in model["errors"])
        context.inform(f"Credential invalid for:\n  {model['name']}:{problems}")


def _remove_credential(context: Context) -> None:
    session = context.session
    cloud, name = context.arguments.positional
    place = asked_place(context, "remove credential from")
    if place.client:
        everything = session.store.credentials()
        existing = dict(everything.get(cloud) or {})
        if not existing:
            context.inform(f'No stored credentials exist for cloud "{cloud}" on this client.')
        elif name not in existing:
            context.inform(
                f'No credential called "{name}" exists for cloud "{cloud}" on this client'
            )
        else:
            del existing[name]
            session.store.set_credentials({**everything, cloud: existing})
            context.inform(f'Credential "{name}" for cloud "{cloud}" removed from this client.')
    if place.controller:
        revoked = {
            "tag": credential_tag(cloud, session.user, name),
            "force": context.arguments["force"],
        }
        session.to_controller().one(
            "Cloud", "RevokeCredentialsCheckModels", {"credentials": [revoked]}
        )
        context.inform(
            f'Credential "{name}" for cloud "{cloud}" removed from the controller '
            f'"{session.controller}".'
        )


def _credentials(context: Context) -> None:
    arguments = context.arguments
    wanted = (arguments.positional or ("",))[0]
    secrets = arguments["show-secrets"]
    place = reading_place(context)
    listing: Json = {}
    if place.client:
        local = {
            cloud: _listed(_named(named), secrets)
            for cloud, named in context.session.store.credentials().items()
            if wanted in ("", cloud)
        }
        listing |= filled(client_credentials=local)
    if place.controller:
        remote: dict[str, dict[str, Json]] = {}
        for info in _remote_contents(context, [], secrets):
            content = info["content"]
            if wanted in ("", content["cloud"]):
                shown = {"auth-type": content.get("auth-type", ""), **(content.get("attrs") or {})}
                remote.setdefault(content["cloud"], {})[content["name"]] = shown
        listing |= filled(
            controller_credentials={
                cloud: {"cloud-credentials": _json_details(named)}
                for cloud, named in remote.items()
            }
        )
    context.write(listing, _credentials_table)
    if not listing and arguments["format"] == "tabular":
        context.inform("No credentials from this client or from a controller to display.")


def _show_credential(context: Context) -> None:
    arguments = context.arguments
    place = reading_place(context)
    document: Json = {}
    if place.controller:
        infos = _remote_contents(context, list(arguments.positional), arguments["show-secrets"])
        shown: dict[str, Json] = {}
        for info in infos:
            content = info["content"]
            validity = content.get("valid")
            shown.setdefault(content["cloud"], {})[content["name"]] = {
                "content": {
                    "auth-type": content.get("auth-type", ""),
                    **filled(
                        validity_check=None
                        if validity is None
                        else "valid"
                        if validity
                        else "invalid"
                    ),
                    **(content.get("attrs") or {}),
                },
                **filled(
                    models={
                        model["model"]: model.get("access") or "no access"
                        for model in info.get("models") or []
                    }
                ),
            }
        document |= filled(controller_credentials=shown)
    if place.client:
        document |= filled(client_credentials=_shown_local(context))
    if not document:
        context.inform("No credentials from this client or from a controller to display.")
        return
    context.write(document)


def _shown_local(context: Context) -> dict[str, Json]:
    wanted = context.arguments.positional
    secrets = context.arguments["show-secrets"]
    shown: dict[str, Json] = {}
    for cloud, named in context.session.store.credentials().items():
        if wanted and cloud != wanted[0]:
            continue
        for name, details in _named(named).items():
            if len(wanted) < 2 or name == wanted[1]:
                visible = details if secrets else _without_secrets(details)
                shown.setdefault(cloud, {})[name] = {"content": visible}
    return shown


def _remote_contents(context: Context, words: list[str], secrets: bool) -> list[Json]:
    wanted = [{"cloud-name": words[0], "credential-name": words[1]}] if len(words) == 2 else []
    answer = context.session.to_controller().call(
        "Cloud", "CredentialContents", {"credentials": wanted, "include-secrets": secrets}
    )
    infos = []
    for result in answer.get("results") or []:
        if wanted:
            raise_for(result)
        if result.get("result"):
            infos.append(result["result"])
    return infos


def credentials_in_file(path: str, cloud: str) -> dict[str, Json]:
    """The named credentials of one cloud in a credentials.yaml.

    Raises:
        CommandError: there are none, or one lacks its auth-type.
    """
    document = read_yaml(path)
    clouds = document.get("credentials") if isinstance(document, dict) else None
    named = _named((clouds or {}).get(cloud))
    if not named:
        raise CommandError(f"no credentials for cloud {cloud} exist in file {path}")
    for name, details in named.items():
        if not details.get("auth-type"):
            raise CommandError(f"credential {cloud}.{name}: missing auth-type in file {path}")
    return named


def _named(entry: Any) -> dict[str, Json]:
    """The credentials of a cloud's entry, without its default-credential and default-region."""
    return {name: item for name, item in (entry or {}).items() if isinstance(item, dict)}


def _expanded(details: Mapping[str, Any]) -> Json:
    """A credential with the content of the files that its attributes name."""
    expanded = dict(details)
    for attribute in _FILE_ATTRIBUTES:
        text = str(expanded.get(attribute, ""))
        if text and "\n" not in text and pathlib.Path(text).expanduser().is_file():
            expanded[attribute] = pathlib.Path(text).expanduser().read_text(encoding="utf-8")
    return expanded


def _definition(context: Context, place: Place, cloud: str) -> Mapping[str, Any]:
    """The cloud that a credential is for, from the controller or the client."""
    if place.controller:
        answer = context.session.to_controller().call("Cloud", "Clouds")
        if found := (answer.get("clouds") or {}).get(f"cloud-{cloud}"):
            return found
        context.inform(
            f'Cloud "{cloud}" is not found on the controller, looking for a locally stored cloud.'
        )
    local = context.session.store.clouds()
    if cloud in local or cloud == "localhost":
        return local.get(cloud, {"auth-types": ["certificate", "interactive"]})
    context.error(f"cloud {cloud} not found")
    context.inform(
        "To view all available clouds, use 'juju clouds'.\nTo add new cloud, use 'juju add-cloud'."
    )
    raise Silent


def _check_auth_type(
    cloud: str, name: str, details: Mapping[str, Any], definition: Mapping[str, Any]
) -> None:
    allowed = definition.get("auth-types") or []
    if not allowed:
        raise CommandError(f'cloud "{cloud}" does not require credentials')
    if details["auth-type"] not in allowed:
        raise CommandError(
            f'credential "{name}" contains invalid auth type "{details["auth-type"]}", valid '
            f'auth types for cloud "{cloud}" are [{" ".join(allowed)}]'
        )


def _without_secrets(details: Mapping[str, Any]) -> Json:
    return {key: value for key, value in details.items() if key not in _HIDDEN}


def _listed(named: Mapping[str, Json], secrets: bool) -> Json:
    visible = {
        name: details if secrets else _without_secrets(details) for name, details in named.items()
    }
    return {"cloud-credentials": _json_details(visible)}


def _json_details(named: Mapping[str, Json]) -> Json:
    return {
        name: {
            "auth-type": details.get("auth-type", ""),
            **filled(details={k: v for k, v in details.items() if k != "auth-type"}),
        }
        for name, details in named.items()
    }


def _credentials_table(listing: Mapping[str, Any]) -> str:
    text = ""
    for key, title in (
        ("controller-credentials", "Controller Credentials:"),
        ("client-credentials", "Client Credentials:"),
    ):
        clouds = listing.get(key)
        if not clouds:
            continue
        table = Table()
        table.row("Cloud", "Credentials")
        for cloud in sorted(clouds):
            table.row(cloud, ", ".join(sorted(clouds[cloud]["cloud-credentials"])))
        text += f"\n{title}\n{table.text()}"
    return text


def _check_update(arguments: Arguments) -> None:
    positional(
        arguments,
        1,
        2,
        "Usage: juju update-credential [options] [<cloud-name> [<credential-name>]]",
    )


_FILE = flag("f file", help="The YAML file containing credentials")
_REGION = flag("region", help="Cloud region that credential is valid for")
_SECRETS = flag("show-secrets", "bool", help="Show secrets")
_FORCE = flag("force", "bool", help="Force the operation, ignoring validation errors")

COMMANDS = {
    "add-credential": Command(
        _add_credential,
        "Adds a credential for a cloud to a local client and uploads it to a controller.",
        "<cloud name>",
        (*PLACE_FLAGS, _FILE, _REGION),
        check=exactly(1, "Usage: juju add-credential <cloud-name> [-f <credentials.yaml>]"),
    ),
    "update-credential": Command(
        _update_credential,
        "Updates a controller credential for a cloud.",
        "[<cloud-name> [<credential-name>]]",
        (*PLACE_FLAGS, _FILE, _REGION, _FORCE),
        check=_check_update,
    ),
    "remove-credential": Command(
        _remove_credential,
        "Removes Juju credentials for a cloud.",
        "<cloud name> <credential name>",
        (*PLACE_FLAGS, _FORCE),
        check=exactly(2, "Usage: juju remove-credential <cloud-name> <credential-name>"),
    ),
    "credentials": Command(
        _credentials,
        "Lists Juju credentials for a cloud.",
        "[<cloud name>]",
        (*PLACE_FLAGS, *formats("tabular", "json", "yaml"), _SECRETS),
        check=at_most(1),
    ),
    "show-credential": Command(
        _show_credential,
        "Shows credential information stored either on this client or on a controller.",
        "[<cloud name> <credential name>]",
        (*PLACE_FLAGS, *formats("yaml", "json"), _SECRETS),
        check=at_most(2),
    ),
}
COMMANDS["list-credentials"] = COMMANDS["credentials"]
COMMANDS["show-credentials"] = COMMANDS["show-credential"]
