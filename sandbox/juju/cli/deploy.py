"""`juju deploy`: a packed charm, a charm of Charmhub, or a bundle (cmd/juju/application)."""

from __future__ import annotations

import pathlib
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.bundles.errors import NotABundle
from sandbox.juju.bundles.source import read_source
from sandbox.juju.cli.charm_origins import (
    Channel,
    chosen_base,
    local_origin,
    located,
    origin_base,
    origin_channel,
    parse_channel,
    read_packed,
    supported_bases,
    upload,
)
from sandbox.juju.cli.charm_urls import CharmUrl, parse_charm_url
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    positional,
)
from sandbox.juju.cli.deploy_options import (
    check_path,
    combined_config,
    is_local_path,
    parse_bindings,
    parse_machine_map,
    parse_storages,
    refuse_given,
    split_config,
    wire_storages,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.tags import application_name_problem
from sandbox.juju.cli.units import in_model, parse_placements
from sandbox.juju.client.bases import parse_base
from sandbox.juju.client.errors import ApiError, raise_for
from sandbox.juju.names import is_application

Json = dict[str, Any]
_CHARM_ONLY = (
    "bind",
    "config",
    "constraints",
    "num-units",
    "series",
    "base",
    "to",
    "resource",
    "attach-storage",
)
_BUNDLE_ONLY = ("overlay", "map-machines")


def _deploy(context: Context) -> None:
    subject = context.arguments.positional[0]
    if subject.startswith("local:"):
        _deploy_uploaded(context, subject)
        return
    check_path(subject)
    if not is_local_path(subject):
        _deploy_from_hub(context, subject)
        return
    path = pathlib.Path(subject).expanduser()
    if path.suffix == ".charm" or not _is_bundle(path):
        _deploy_packed(context, path)
        return
    from sandbox.juju.cli.deploy_bundle import deploy_bundle

    refuse_given(context.arguments, _CHARM_ONLY, "bundle")
    deploy_bundle(context, path)


def _is_bundle(path: pathlib.Path) -> bool:
    try:
        read_source(path)
    except NotABundle:
        return False
    return True


def _deploy_packed(context: Context, path: pathlib.Path) -> None:
    arguments = context.arguments
    context.explain(f'Preparing to deploy local charm: "{path.name}" ')
    if arguments["dry-run"]:
        context.inform("ignoring dry-run flag for local charms")
    refuse_given(arguments, _BUNDLE_ONLY, "charm")
    archive = read_packed(path)
    default = _model_setting(context, "default-base")
    base = chosen_base(
        arguments["base"], supported_bases(archive), default, force=arguments["force"]
    )
    if base is None:
        raise CommandError(f'charm "{archive.name}" does not declare a base, use --base')
    url = upload(context.session.to_model(), archive)
    context.inform(located(url))
    parsed = _parsed(url)
    origin = local_origin(base, parsed.revision, _architecture(arguments))
    subordinate = bool(archive.metadata.get("subordinate"))
    _deploy_charm(context, url, origin, archive.name, subordinate)


def _deploy_uploaded(context: Context, url: str) -> None:
    """Deploy a local charm that the model has already: local:name-3."""
    arguments = context.arguments
    refuse_given(arguments, _BUNDLE_ONLY, "charm")
    info = context.session.to_model().call("Charms", "CharmInfo", {"url": url})
    meta = info.get("meta") or {}
    bases = [
        parse_base(f"{base['name']}@{base['channel']}")
        for base in (info.get("manifest") or {}).get("bases") or []
    ]
    base = chosen_base(arguments["base"], bases, _model_setting(context, "default-base"))
    context.inform(located(url))
    origin = local_origin(base, _parsed(url).revision, _architecture(arguments))
    _deploy_charm(context, url, origin, meta.get("name", ""), bool(meta.get("subordinate")))


def _deploy_charm(context: Context, url: str, origin: Json, charm: str, subordinate: bool) -> None:
    """Make an application of a charm that the model has."""
    arguments = context.arguments
    if subordinate:
        _check_subordinate(arguments)
    application = (*arguments.positional, "")[1] or charm
    channel = origin_channel(origin)
    within = f" in channel {channel}" if channel else ""
    context.inform(
        f'Deploying "{application}" from {origin["source"]} charm "{charm}", '
        f"revision {origin.get('revision', 0)}{within} on {origin_base(origin)}"
    )
    argument = _deploy_argument(context, url, origin, application)
    if subordinate:
        argument["num-units"] = 0
    try:
        context.session.to_model().one("Application", "Deploy", {"applications": [argument]})
    except ApiError as error:
        if not error.already_exists:
            raise
        raise CommandError(
            f"{error}: \n\ndeploy application using an alias name:\n    juju deploy "
            "<application> <alias>\nor use remove-application to remove the existing one and "
            "try again."
        ) from error


def _check_subordinate(arguments: Arguments) -> None:
    """Refuse what a subordinate cannot have: machines, and so constraints and placements.

    Raises:
        CommandError: one of them was asked for.
    """
    if arguments["constraints"]:
        raise CommandError("cannot use --constraints with subordinate application")
    if arguments["num-units"] != 1 or arguments["to"]:
        raise CommandError("cannot use --num-units or --to with subordinate application")


def _deploy_argument(context: Context, url: str, origin: Json, application: str) -> Json:
    """The parameters of Application.Deploy for the command's options."""
    arguments = context.arguments
    text, values = split_config(arguments["config"])
    if arguments["trust"]:
        values["trust"] = "true"
    uuid = context.session.model().uuid
    return {
        "application": application,
        "charm-url": url,
        "charm-origin": origin,
        "channel": origin.get("risk") or "",
        "num-units": arguments["num-units"],
        "config": values,
        "config-yaml": text,
        "constraints": constraints.parse(*arguments["constraints"]),
        "placement": in_model(parse_placements(arguments["to"]), uuid),
        "storage": wire_storages(parse_storages(arguments["storage"])),
        "attach-storage": [
            f"storage-{name.replace('/', '-')}" for name in arguments["attach-storage"]
        ],
        "endpoint-bindings": parse_bindings(context, arguments["bind"]),
        "resources": _upload_resources(context, application, url, origin),
        "Force": arguments["force"],
    }


def _upload_resources(context: Context, application: str, url: str, origin: Json) -> Json:
    if not context.arguments["resource"]:
        return {}
    from sandbox.juju.cli.resources import add_pending_resources

    return add_pending_resources(
        context, application, url, origin, dict(context.arguments["resource"])
    )


def _deploy_from_hub(context: Context, subject: str) -> None:
    arguments = context.arguments
    refuse_given(arguments, _BUNDLE_ONLY, "charm")
    url = parse_charm_url(subject)
    if url is None:
        raise CommandError(f'cannot parse URL "{subject}": name "{subject}" not valid')
    if url.revision >= 0:
        raise CommandError(
            "cannot specify revision in a charm or bundle name. Please use --revision."
        )
    channel = parse_channel(arguments["channel"])
    if arguments["revision"] >= 0 and not arguments["channel"]:
        raise CommandError(
            "specifying a revision requires a channel for future upgrades. Please use --channel"
        )
    application = (*arguments.positional, "")[1]
    answer = context.session.to_model().call(
        "Application",
        "DeployFromRepository",
        {"Args": [_repository_argument(context, url, application, channel)]},
    )
    result = (answer.get("Results") or answer.get("results") or [{}])[0]
    _raise_refusals(context, url, result)
    info = result.get("Info") or {}
    base = info.get("base") or {}
    shown_base = f"{base.get('name')}@{base.get('channel')}"
    known = (
        f'"{info.get("name")}" from charm-hub charm "{url.name}", '
        f"revision {info.get('revision')} in channel {info.get('channel')} on {shown_base}"
    )
    if arguments["dry-run"]:
        context.inform(f"{known} would be deployed")
        return
    _upload_pending(context, info.get("name") or url.name, result)
    context.inform(f"Deployed {known}")


def _repository_argument(
    context: Context, url: CharmUrl, application: str, channel: Channel
) -> Json:
    arguments = context.arguments
    uuid = context.session.model().uuid
    text = ""
    if arguments["config"]:
        text = combined_config(arguments["config"], application or url.name)
    argument: Json = {
        "CharmName": url.name,
        "ApplicationName": application,
        "AttachStorage": list(arguments["attach-storage"]),
        "ConfigYAML": text,
        "Cons": constraints.parse(*arguments["constraints"]),
        "Devices": {},
        "DryRun": arguments["dry-run"],
        "endpoint-bindings": parse_bindings(context, arguments["bind"]),
        "force": arguments["force"],
        "num-units": arguments["num-units"],
        "Placement": in_model(parse_placements(arguments["to"]), uuid),
        "resources": dict(arguments["resource"]),
        "Storage": wire_storages(parse_storages(arguments["storage"])),
        "Trust": arguments["trust"],
    }
    if arguments["base"]:
        argument["base"] = parse_base(arguments["base"]).wire
    if arguments["channel"]:
        argument["channel"] = str(channel)
    if arguments["revision"] >= 0:
        argument["revision"] = arguments["revision"]
    return argument


def _raise_refusals(context: Context, url: CharmUrl, result: Json) -> None:
    raise_for(result)
    errors = result.get("Errors") or []
    for error in errors:
        context.error(error.get("message", ""))
    if errors:
        raise CommandError(f'failed to deploy charm "{url.name}"')


def _upload_pending(context: Context, application: str, result: Json) -> None:
    pending = result.get("PendingResourceUploads") or []
    if not pending:
        return
    from sandbox.juju.cli.resources import upload_resource

    for item in pending:
        upload_resource(context, application, item["Name"], pathlib.Path(item["Filename"]))


def _model_setting(context: Context, key: str) -> str:
    answer = context.session.to_model().call("ModelConfig", "ModelGet")
    return ((answer.get("config") or {}).get(key) or {}).get("value") or ""


def _architecture(arguments: Arguments) -> str:
    return constraints.parse(*arguments["constraints"]).get("arch") or "amd64"


def _parsed(url: str) -> CharmUrl:
    parsed = parse_charm_url(url)
    if parsed is None:
        raise CommandError(f'cannot parse URL "{url}"')
    return parsed


def _check(arguments: Arguments) -> None:
    words = positional(arguments, 1, 2, "no charm or bundle specified")
    if len(words) == 2 and not is_application(words[1]):
        problem = application_name_problem(words[1])
        raise UsageError(f'invalid application name "{words[1]}", {problem}')
    if arguments["num-units"] < 1 and "num-units" in arguments.given:
        raise UsageError("--num-units must be a positive integer")
    if arguments["base"] and arguments["series"]:
        raise UsageError("--series and --base cannot be specified together")
    if arguments["series"]:
        raise UsageError("--series is deprecated: use --base")
    parse_machine_map(arguments["map-machines"])
    parse_placements(arguments["to"])
    parse_storages(arguments["storage"])
    constraints.parse(*arguments["constraints"])


COMMANDS = {
    "deploy": Command(
        _deploy,
        "Deploys a new application or bundle.",
        "<charm or bundle> [<application name>]",
        (
            MODEL,
            flag("n num-units", "int", 1, "Number of application units to deploy"),
            flag("channel", help="Channel to use when deploying from Charmhub"),
            flag("config", "repeat", help="A configuration file or a key=value pair"),
            flag("trust", "bool", help="Allows charm to run hooks that require credentials"),
            flag("overlay", "repeat", help="Bundles to overlay on the primary bundle, in order"),
            flag("constraints", "repeat", help="Set application constraints"),
            flag("series", help="The series on which to deploy. DEPRECATED: use `--base`"),
            flag("base", help="The base on which to deploy"),
            flag("revision", "int", -1, "The revision to deploy"),
            flag("dry-run", "bool", help="Just show what the deploy would do"),
            flag("force", "bool", help="Bypass checks such as supported base"),
            flag("storage", "repeat", help="Charm storage constraints"),
            flag("device", "repeat", help="Charm device constraints"),
            flag("resource", "pairs", help="Resource to be uploaded to the controller"),
            flag("bind", help="Configure application endpoint bindings to spaces"),
            flag("map-machines", help="The existing machines to use for bundle deployments"),
            flag("to", help="The machine and/or container to deploy the unit in"),
            flag("attach-storage", "list", help="Existing storage to attach to the unit"),
        ),
        check=_check,
    ),
}
