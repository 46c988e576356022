"""Clouds, on this client and on the controller (cmd/juju/cloud)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.cli.command import (
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    exactly,
    formats,
    positional,
)
from sandbox.juju.cli.config_files import read_yaml
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import filled, json_text, yaml_text
from sandbox.juju.cli.places import PLACE_FLAGS, asked_place, reading_place
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import ApiError, raise_for

Json = dict[str, Any]
_LOCALHOST: Json = {
    "type": "lxd",
    "description": "LXD Container Hypervisor",
    "auth-types": ["certificate", "interactive"],
    "regions": {"localhost": {}},
}
_CREDENTIAL_HINT = (
    'To upload a credential to the controller for cloud "{0}", use \n'
    "* 'add-model' with --credential option or\n* 'add-credential -c {0}'."
)


def _add_cloud(context: Context) -> None:
    arguments = context.arguments
    name = arguments.positional[0]
    place = asked_place(context, "add cloud to")
    local = context.session.store.clouds()
    path = arguments["file"] or (arguments.positional[1:] or ("",))[0]
    if path:
        cloud = _cloud_in_file(path, name)
    elif name in local:
        cloud = local[name]
    else:
        raise CommandError(
            f'cloud "{name}" is not known to this client: give its definition with --file'
        )
    cloud = {**cloud, "regions": cloud.get("regions") or {"default": {}}}
    failed = False
    if place.client:
        failed = not _add_local(context, name, cloud, local)
    if place.client and place.controller:
        context.inform("\n")
    if place.controller:
        failed = not _add_remote(context, name, cloud) or failed
    if failed:
        raise Silent


def _add_local(context: Context, name: str, cloud: Json, local: dict[str, Json]) -> bool:
    if name in local:
        context.error(
            f"use `update-cloud {name} --client` to override known definition: "
            f'local cloud "{name}" already exists'
        )
        return False
    context.session.store.set_clouds({**local, name: cloud})
    context.inform(f'Cloud "{name}" successfully added to your local client.')
    if cloud.get("auth-types") not in (None, [], ["empty"]):
        context.inform(
            f"You will need to add a credential for this cloud (`juju add-credential {name}`)\n"
            f"before you can use it to bootstrap a controller (`juju bootstrap {name}`) or\n"
            f"to create a model (`juju add-model <your model name> {name}`)."
        )
    return True


def _add_remote(context: Context, name: str, cloud: Json) -> bool:
    session = context.session
    parameters: Json = {"cloud": wire_cloud(cloud), "name": name}
    if context.arguments["force"]:
        parameters["force"] = True
    try:
        session.to_controller().call("Cloud", "AddCloud", parameters)
    except ApiError as error:
        if error.already_exists:
            context.inform(
                f'Cloud "{name}" already exists on the controller "{session.controller}".'
            )
            context.inform(_CREDENTIAL_HINT.format(name))
            return True
        if error.code == "incompatible clouds":
            context.inform(
                f'Adding a cloud of type "{cloud.get("type")}" might not function correctly on '
                "this controller.\nIf you really want to do this, use --force."
            )
            return True
        context.inform(f"Could not upload cloud to a controller: {error}")
        return False
    context.inform(f'Cloud "{name}" added to controller "{session.controller}".')
    if cloud.get("auth-types") in (None, [], ["empty"]):
        return True
    _add_its_credential(context, name)
    return True


def _add_its_credential(context: Context, name: str) -> None:
    """Upload the client's credential for a cloud just added, when there is exactly one."""
    from sandbox.juju.cli.credential_documents import credential_tag, wire_credential

    session = context.session
    named = context.arguments["credential"]
    local = {
        key: details
        for key, details in (session.store.credentials().get(name) or {}).items()
        if isinstance(details, dict) and named in ("", key)
    }
    if len(local) != 1:
        context.inform(_CREDENTIAL_HINT.format(name))
        return
    key, details = next(iter(local.items()))
    tagged = {
        "tag": credential_tag(name, session.user, key),
        "credential": wire_credential(details),
    }
    session.to_controller().one("Cloud", "AddCredentials", {"credentials": [tagged]})
    context.inform(f'Credential for cloud "{name}" added to controller "{session.controller}".')


def _update_cloud(context: Context) -> None:
    arguments, session = context.arguments, context.session
    name = arguments.positional[0]
    place = asked_place(context, "update cloud on")
    path = arguments["file"]
    local = session.store.clouds()
    if path:
        cloud = _cloud_in_file(path, name)
    elif place.client:
        context.inform(
            f'To update cloud "{name}" on this client, a cloud definition file is required.'
        )
        raise Silent
    elif name in local:
        cloud = local[name]
    else:
        raise CommandError(f'cloud "{name}" not found')
    cloud = {**cloud, "regions": cloud.get("regions") or {"default": {}}}
    if place.client:
        session.store.set_clouds({**local, name: cloud})
        context.inform(f'Cloud "{name}" updated on this client using provided file.')
    if place.controller:
        change = {"cloud": wire_cloud(cloud), "name": name}
        session.to_controller().one("Cloud", "UpdateCloud", {"clouds": [change]})
        source = "provided file" if path else "client cloud"
        context.inform(
            f'Cloud "{name}" updated on controller "{session.controller}" using {source}.'
        )


def _remove_cloud(context: Context) -> None:
    session, name = context.session, context.arguments.positional[0]
    place = asked_place(context, "remove cloud from")
    if place.client:
        local = session.store.clouds()
        if local.pop(name, None) is None:
            context.inform(f'No cloud called "{name}" exists on this client')
        else:
            session.store.set_clouds(local)
            context.inform(f'Removed details of cloud "{name}" from this client')
    if not place.controller:
        return
    try:
        session.to_controller().one(
            "Cloud", "RemoveClouds", {"entities": [{"tag": f"cloud-{name}"}]}
        )
    except ApiError as error:
        if not error.not_found:
            raise
        context.inform(f'No cloud called "{name}" exists on controller "{session.controller}"')
    else:
        context.inform(f'Removed details of cloud "{name}" from controller "{session.controller}"')


def _clouds(context: Context) -> None:
    place = reading_place(context)
    remote = _remote_clouds(context) if place.controller else {}
    local: dict[str, Json] = {}
    if place.client:
        known = {"localhost": {**_LOCALHOST, "defined": "built-in"}}
        known |= {
            name: {**cloud, "defined": "local"}
            for name, cloud in context.session.store.clouds().items()
        }
        credentials = context.session.store.credentials()
        for name, cloud in known.items():
            count = sum(isinstance(item, dict) for item in (credentials.get(name) or {}).values())
            local[name] = cloud_document(cloud, source=cloud["defined"], credentials=count)
    if context.arguments["format"] == "tabular":
        context.write_text(_clouds_table(remote, local))
        return
    # Of a cloud known to both, the client's definition is the one to show.
    context.write({**remote, **local})


def _show_cloud(context: Context) -> None:
    place, name = reading_place(context), context.arguments.positional[0]
    found: list[tuple[str, Json]] = []
    if place.controller:
        remote = _remote_details(context, name)
        if remote is None:
            context.inform(f'No cloud "{name}" exists on the controller.')
        else:
            found.append((f'Cloud "{name}" from controller "{place.controller}"', remote))
    if place.client:
        known = {"localhost": _LOCALHOST, **context.session.store.clouds()}
        if name in known:
            source = "built-in" if known[name] is _LOCALHOST else "local"
            local = cloud_document(known[name], source=source)
            found.append((f'Client cloud "{name}"', local))
        else:
            context.inform(f'No cloud "{name}" exists on this client.')
    if found:
        context.write_text(_shown_clouds(context.arguments["format"], name, found))


def _shown_clouds(form: str, name: str, found: Sequence[tuple[str, Json]]) -> str:
    whole = [{"name": name, "summary": summary, **cloud} for summary, cloud in found]
    if form == "json":
        return json_text(whole) + "\n"
    several = len(found) > 1
    if form == "yaml":
        return "".join(yaml_text(cloud) + ("---\n" if several else "") for cloud in whole)
    ending = "\n" if several else ""
    return "".join(f"{summary}:\n\n{yaml_text(cloud)}{ending}" for summary, cloud in found)


def _remote_details(context: Context, name: str) -> Json | None:
    """A cloud of the controller with its users, or None when the controller has none such."""
    result = context.session.to_controller().call(
        "Cloud", "CloudInfo", {"entities": [{"tag": f"cloud-{name}"}]}
    )["results"][0]
    if (result.get("error") or {}).get("code") in ("not found", "unauthorized access"):
        return None
    raise_for(result)
    info = result["result"]
    # Go's encoder nests the details that it embeds under their type's name.
    details = info.get("CloudDetails") or info
    regions = regions_map(details.get("regions"))
    users = {
        user["user"]: {
            **filled(display_name=user.get("display-name")),
            "access": user.get("access", ""),
        }
        for user in info.get("users") or []
    }
    return {
        **cloud_document({**details, "regions": regions}, source="public"),
        **filled(users=users),
    }


def _remote_clouds(context: Context) -> dict[str, Json]:
    answer = context.session.to_controller().call("Cloud", "Clouds")
    return {
        tag.removeprefix("cloud-"): cloud_document(
            {**cloud, "regions": regions_map(cloud.get("regions"))}, source="public"
        )
        for tag, cloud in sorted((answer.get("clouds") or {}).items())
    }


def cloud_document(cloud: Mapping[str, Any], *, source: str, credentials: int = 0) -> Json:
    """A cloud as clouds and show-cloud write it."""
    regions = {
        name: filled(endpoint=(region or {}).get("endpoint"))
        for name, region in (cloud.get("regions") or {}).items()
    }
    return {
        **filled(defined=source),
        "type": cloud.get("type", ""),
        **filled(
            description=cloud.get("description"),
            auth_types=cloud.get("auth-types"),
            endpoint=cloud.get("endpoint"),
            identity_endpoint=cloud.get("identity-endpoint"),
            storage_endpoint=cloud.get("storage-endpoint"),
            credential_count=credentials,
            regions=regions,
            config=cloud.get("config"),
            ca_credentials=cloud.get("ca-certificates"),
            skip_tls_verify=cloud.get("skip-tls-verify"),
        ),
    }


def regions_map(regions: Any) -> Json:
    """The API's list of regions as the map of the files."""
    return {region["name"]: filled(endpoint=region.get("endpoint")) for region in regions or []}


def wire_cloud(cloud: Mapping[str, Any]) -> Json:
    """A cloud of clouds.yaml as the API takes it (params.Cloud)."""
    return {
        "type": cloud.get("type", ""),
        **filled(
            auth_types=cloud.get("auth-types"),
            endpoint=cloud.get("endpoint"),
            identity_endpoint=cloud.get("identity-endpoint"),
            storage_endpoint=cloud.get("storage-endpoint"),
            regions=[
                {"name": name, **(region or {})}
                for name, region in (cloud.get("regions") or {}).items()
            ],
            ca_certificates=cloud.get("ca-certificates"),
            skip_tls_verify=cloud.get("skip-tls-verify"),
            config=cloud.get("config"),
            region_config=cloud.get("region-config"),
        ),
    }


def _cloud_in_file(path: str, name: str) -> Json:
    """One cloud of a clouds.yaml.

    Raises:
        CommandError: the file defines no such cloud, or the definition lacks its type.
    """
    document = read_yaml(path)
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not clouds:
        raise CommandError("no clouds found in parsed yaml, please validate yaml keys")
    if name not in clouds:
        raise CommandError(f'cloud "{name}" not found in file "{path}"')
    cloud = clouds[name] or {}
    if not cloud.get("type"):
        raise CommandError(f'cloud "{name}" in file "{path}" has no type')
    return dict(cloud)


def _clouds_table(remote: Mapping[str, Json], local: Mapping[str, Json]) -> str:
    text = ""
    if remote:
        table = Table()
        table.align_right(1)
        table.row("Cloud", "Regions", "Default", "Type")
        table.rows([*_cloud_cells(name, remote[name]), ""] for name in sorted(remote))
        text += "\nClouds available on the controller:\n" + table.text()
    if local:
        if not remote:
            text += "You can bootstrap a new controller using one of these clouds...\n"
        table = Table()
        table.align_right(1)
        table.row("Cloud", "Regions", "Default", "Type", "Credentials", "Source", "Description")
        for name in sorted(local):
            cloud = local[name]
            table.row(
                *_cloud_cells(name, cloud),
                cloud.get("credential-count", 0),
                cloud.get("defined", ""),
                cloud.get("description", "")[:39],
            )
        text += "\nClouds available on the client:\n" + table.text()
    return text


def _cloud_cells(name: str, cloud: Mapping[str, Any]) -> list[Any]:
    regions = cloud.get("regions") or {}
    return [name, len(regions), next(iter(regions), ""), cloud["type"]]


def _check_add_cloud(arguments: Arguments) -> None:
    words = positional(arguments, 1, 2, "Usage: juju add-cloud <cloud name> [<cloud file>]")
    if len(words) == 2 and arguments["file"]:
        raise UsageError("cannot specify cloud file with option and argument")


_FILE = flag("f file", help="The path to a cloud definition file")

COMMANDS = {
    "add-cloud": Command(
        _add_cloud,
        "Add a cloud definition to Juju.",
        "<cloud name> [<cloud definition file>]",
        (
            *PLACE_FLAGS,
            _FILE,
            flag("force", "bool", help="Force add cloud to the controller"),
            flag("credential", help="Credential to use for new cloud"),
            flag("target-controller", help="The name of a JAAS managed controller"),
        ),
        check=_check_add_cloud,
    ),
    "update-cloud": Command(
        _update_cloud,
        "Updates cloud information available to Juju.",
        "<cloud name>",
        (*PLACE_FLAGS, _FILE),
        check=exactly(1, "cloud name required"),
    ),
    "remove-cloud": Command(
        _remove_cloud,
        "Removes a cloud from Juju.",
        "<cloud name>",
        (*PLACE_FLAGS, flag("target-controller", help="The name of a JAAS managed controller")),
        check=exactly(1, "Usage: juju remove-cloud <cloud name>"),
    ),
    "clouds": Command(
        _clouds,
        "Lists all clouds available to Juju.",
        flags=(
            *PLACE_FLAGS,
            *formats("tabular", "json", "yaml"),
            flag("all", "bool", help="Show all available clouds"),
        ),
    ),
    "show-cloud": Command(
        _show_cloud,
        "Shows detailed information for a cloud.",
        "<cloud name>",
        (
            *PLACE_FLAGS,
            *formats("display", "json", "yaml"),
            flag("include-config", "bool", help="Print available config option details"),
        ),
        check=exactly(1, "no cloud specified"),
    ),
}
COMMANDS["list-clouds"] = COMMANDS["clouds"]
