"""Models: list, add, show, destroy, switch."""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

from sandbox.juju.cli.command import (
    CONTROLLER,
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    at_most,
    formats,
    positional,
    quoted,
)
from sandbox.juju.cli.config_files import config_values
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.model_document import model_document, models_table, summary_document
from sandbox.juju.cli.session import Session, split_model, unqualified
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.tags import is_model
from sandbox.juju.client.errors import ApiError, NotRemembered, raise_for
from sandbox.juju.client.store import KnownModel

_NO_MODELS = """
There are no models available. You can add models with
"juju add-model", or you can ask an administrator or owner
of a model to grant access to that model with "juju grant".
"""


def _models(context: Context) -> None:
    session, arguments = context.session, context.arguments
    user = arguments["user"] or session.user
    answer = session.to_controller().call(
        "ModelManager",
        "ListModelSummaries",
        {"user-tag": f"user-{user}", "all": arguments["all"]},
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    models = [
        summary_document(item["result"], session.controller, now, exact=arguments["exact-time"])
        for item in answer.get("results") or []
        if not item.get("error")
    ]
    models.sort(key=lambda model: model["name"])
    session.refresh_models()
    current = session.store.current_model(session.controller)
    owner, _, short = current.partition("/")
    listing: dict[str, Any] = {"models": models}
    if current:
        listing["current-model"] = short if owner == session.user else current
    context.write(
        listing,
        lambda shown: models_table(
            shown["models"], session.controller, current, user, with_uuid=arguments["uuid"]
        ),
    )
    if not models and arguments["format"] == "tabular":
        context.stderr.write(_NO_MODELS + "\n")


def _add_model(context: Context) -> None:
    session, arguments = context.session, context.arguments
    name, *where = arguments.positional
    cloud, _, region = (where[0] if where else "").partition("/")
    owner = arguments["owner"] or session.user
    connection = session.to_controller()
    cloud, region = _cloud_and_region(context, cloud, region)
    credential = _credential_tag(context, cloud, owner)
    created = connection.call(
        "ModelManager",
        "CreateModel",
        {
            "name": name,
            "owner-tag": f"user-{owner}",
            "config": config_values(arguments["config"]),
            "cloud-tag": f"cloud-{cloud}",
            "region": region,
            "credential": credential,
        },
    )
    if owner == session.user:
        known = KnownModel(f"{owner}/{name}", created["uuid"], created.get("type", "iaas"))
        session.store.update_model(session.controller, known)
        if not arguments["no-switch"]:
            session.store.set_current_model(session.controller, known.name)
    context.inform(_added(created, name, owner, named_cloud=bool(where)))


def _added(created: dict[str, Any], name: str, owner: str, *, named_cloud: bool) -> str:
    message = f"Added '{name}' model"
    region = created.get("cloud-region", "")
    if named_cloud or region:
        cloud = created.get("cloud-tag", "").removeprefix("cloud-")
        message += f" on {cloud}/{region}" if region else f" on {cloud}"
    if credential := created.get("cloud-credential-tag"):
        message += f" with credential '{credential.rpartition('_')[2]}'"
    return f"{message} for user '{owner}'"


def _cloud_and_region(context: Context, cloud: str, region: str) -> tuple[str, str]:
    """The cloud for a new model: the named one, the only one, or the only one's region.

    Raises:
        Silent: the controller has no such cloud or region, which has been told.
        CommandError: no cloud was named and there are several.
    """
    answer = context.session.to_controller().call("Cloud", "Clouds")
    clouds = {
        tag.removeprefix("cloud-"): [item["name"] for item in details.get("regions") or []]
        for tag, details in (answer.get("clouds") or {}).items()
    }
    if cloud in clouds and region in ("", *clouds[cloud]):
        return cloud, region
    if len(clouds) == 1 and (not cloud or (cloud in next(iter(clouds.values())) and not region)):
        return next(iter(clouds)), cloud
    problem = _no_such_cloud(clouds, cloud if not region else f"{cloud}/{region}")
    if not cloud:
        raise CommandError(problem)
    context.error(problem)
    context.inform(
        "Use 'juju clouds' to see a list of all available clouds or 'juju add-cloud' to a add one."
    )
    raise Silent


def _no_such_cloud(clouds: dict[str, list[str]], wanted: str) -> str:
    if not clouds:
        return (
            "you do not have add-model access to any clouds on this controller.\n"
            "Please ask the controller administrator to grant you add-model permission\n"
            "for a particular cloud to which you want to add a model."
        )
    table = Table()
    table.row("Cloud", "Regions")
    table.rows((name, ", ".join(clouds[name])) for name in sorted(clouds))
    if len(clouds) == 1 or wanted:
        only = next(iter(clouds))
        prefix = (
            f'"{wanted}" is neither a cloud supported by this controller,\n'
            f'nor a region in the controller\'s default cloud "{only}".'
        )
    else:
        prefix = (
            "this controller manages more than one cloud.\nPlease specify which cloud/region "
            "to use:\n\n    juju add-model [options] <model-name> cloud[/region]\n"
        )
    listing = table.text()
    return f"{prefix}\nThe clouds/regions supported by this controller are:\n\n{listing}"


def _credential_tag(context: Context, cloud: str, owner: str) -> str:
    """The credential for a new model: the named one, or the only one; uploaded when local.

    Raises:
        Silent: several could be meant, or the named one is nowhere.
    """
    session = context.session
    named = context.arguments["credential"].rpartition("/")[2]
    answer = session.to_controller().call(
        "Cloud",
        "UserCredentials",
        {"user-clouds": [{"user-tag": f"user-{owner}", "cloud-tag": f"cloud-{cloud}"}]},
    )["results"][0]
    raise_for(answer)
    tags = {tag.rpartition("_")[2]: tag for tag in answer.get("result") or []}
    if named in tags:
        context.inform(f"Using credential '{named}' cached in controller")
        return tags[named]
    local = session.store.credentials().get(cloud) or {}
    candidates = {
        name: details for name, details in local.items() if not name.startswith("default-")
    }
    if named:
        if named not in candidates:
            context.error(f"credential '{named}' not found")
            return _no_credential(context)
        return _upload_credential(context, cloud, owner, named, candidates[named])
    if len(tags) == 1:
        return next(iter(tags.values()))
    if len(tags) > 1 or len(candidates) > 1:
        context.error("more than one credential is available: name one with --credential")
        return _no_credential(context)
    for name, details in candidates.items():
        return _upload_credential(context, cloud, owner, name, details)
    return ""


def _no_credential(context: Context) -> str:
    context.inform(
        "Use \n* 'juju add-credential -c' to upload a credential to a controller or\n"
        "* 'juju autoload-credentials' to add credentials from local files or\n"
        "* 'juju add-model --credential' to use a local credential.\n"
        "Use 'juju credentials' to list all available credentials.\n"
    )
    raise Silent


def _upload_credential(
    context: Context, cloud: str, owner: str, name: str, details: dict[str, Any]
) -> str:
    from sandbox.juju.cli.credential_documents import credential_tag, wire_credential

    context.inform(f"Uploading credential '{cloud}/{owner}/{name}' to controller")
    tag = credential_tag(cloud, owner, name)
    context.session.to_controller().one(
        "Cloud",
        "AddCredentials",
        {"credentials": [{"tag": tag, "credential": wire_credential(details)}]},
    )
    return tag


def _check_add_model(arguments: Arguments) -> None:
    words = positional(arguments, 1, 2, "missing model name")
    if not is_model(words[0]):
        raise UsageError(
            f"{quoted(words[0])} is not a valid name: model names may only contain "
            "lowercase letters, digits and hyphens"
        )


def _show_model(context: Context) -> None:
    words = context.arguments.positional
    session, name = _of_controller(context, words[0]) if words else (context.session, "")
    model = session.find_model(name) if name else session.model()
    result = session.to_controller().one(
        "ModelManager", "ModelInfo", {"entities": [{"tag": f"model-{model.uuid}"}]}
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    document = model_document(result["result"], session.controller, now)
    context.write({document["short-name"]: document})


def _destroy_model(context: Context) -> None:
    arguments = context.arguments
    session, name = _of_controller(context, arguments.positional[0])
    model = session.find_model(name)
    short = unqualified(model.name)
    if not (arguments["no-prompt"] or _confirmed(context, short)):
        raise CommandError("model destruction: aborted")
    context.stderr.write("Destroying model")
    parameters: dict[str, Any] = {"model-tag": f"model-{model.uuid}"}
    if arguments["destroy-storage"] or arguments["release-storage"]:
        parameters["destroy-storage"] = arguments["destroy-storage"]
    if arguments["force"]:
        parameters["force"] = True
        if arguments["no-wait"]:
            parameters["max-wait"] = 0
    if "timeout" in arguments.given:
        parameters["timeout"] = int(arguments["timeout"] * 1e9)
    try:
        session.to_controller().one("ModelManager", "DestroyModels", {"models": [parameters]})
    except ApiError as error:
        context.stderr.write("\n")
        if error.code == "model has persistent storage":
            raise CommandError(_storage_remains(session, model)) from error
        raise CommandError(f"cannot destroy model: {error}") from error
    _wait_until_gone(context, model)
    session.store.remove_model(session.controller, model.name)


def _storage_remains(session: Session, model: KnownModel) -> str:
    """What keeps a model, and the two ways on (cmd/juju/model/destroy.go)."""
    answer = session.to_model(model.uuid).call("Storage", "ListStorageDetails", {"filters": [{}]})
    kinds = [
        found["kind"]
        for found in answer["results"][0].get("result") or []
        if found.get("persistent")
    ]
    counts = [
        f"{kinds.count(kind)} {name}{'' if kinds.count(kind) == 1 else 's'}"
        for kind, name in ((1, "volume"), (2, "filesystem"))
        if kind in kinds
    ]
    return (
        f'cannot destroy model "{unqualified(model.name)}"\n\n'
        f"The model has persistent storage remaining:\n\t{' and '.join(counts)}\n\n"
        "To destroy the storage, run the destroy-model\n"
        'command again with the "--destroy-storage" option.\n\n'
        "To release the storage from Juju's management\n"
        'without destroying it, use the "--release-storage"\n'
        "option instead. The storage can then be imported\n"
        "into another Juju model.\n"
    )


def _of_controller(context: Context, text: str) -> tuple[Session, str]:
    """The session for `[controller:]model`, and the model's name."""
    controller, name = split_model(text)
    if controller and controller != context.session.controller:
        return context.use(Session(controller=controller)), name
    return context.session, name


def _wait_until_gone(context: Context, model: KnownModel) -> None:
    """Poll the model's status until the controller has forgotten it."""
    said = ""
    while True:
        answer = context.session.to_controller().call(
            "ModelManager", "ModelStatus", {"entities": [{"tag": f"model-{model.uuid}"}]}
        )
        result = answer["models"][0]
        if result.get("error"):
            if result["error"].get("code") not in ("not found", "model not found"):
                raise_for(result)
            context.inform("\nModel destroyed.")
            return
        left = _waiting_on(result)
        context.stderr.write("." if left == said else f"\n{left}...")
        context.stderr.flush()
        said = left
        time.sleep(0.5)


def _waiting_on(status: dict[str, Any]) -> str:
    counts = (
        ("hosted-machine-count", "machine"),
        ("application-count", "application"),
    )
    parts = [f"{status[key]} {noun}(s)" for key, noun in counts if status.get(key)]
    return (
        f"Waiting for model to be removed, {', '.join(parts)}"
        if parts
        else ("Waiting for model to be removed")
    )


def _confirmed(context: Context, name: str) -> bool:
    import sys

    context.warn(f'This command will destroy the "{name}" model and affect what runs in it.')
    context.stderr.write("\nTo continue, enter the name of the model to be destroyed: ")
    context.stderr.flush()
    return sys.stdin.readline().strip() == name


def _check_destroy(arguments: Arguments) -> None:
    if arguments["destroy-storage"] and arguments["release-storage"]:
        raise UsageError("--destroy-storage and --release-storage cannot both be specified")
    if "timeout" in arguments.given and not arguments["force"]:
        raise UsageError("--timeout can only be used with --force (dangerous)")
    positional(arguments, 1, 1, "no model specified")


def _switch(context: Context) -> None:
    session = context.session
    store, words = session.store, context.arguments.positional
    current_controller = os.environ.get("JUJU_CONTROLLER") or store.current_controller()
    if not words:
        name = _focus(context, current_controller)
        if not name:
            raise CommandError("missing model name")
        context.print(f"{name}\n")
        return
    for variable, what in (("JUJU_CONTROLLER", "controller"), ("JUJU_MODEL", "model")):
        if value := os.environ.get(variable):
            raise CommandError(
                f"cannot switch when {variable} is overriding the {what} (set to {quoted(value)})"
            )
    before = _focus(context, current_controller) or f"{current_controller} (controller)"
    after = _switched(context, words[0], current_controller)
    context.inform(f"{before} (no change)" if before == after else f"{before} -> {after}")


def _switched(context: Context, target: str, current: str) -> str:
    store = context.session.store
    as_controller = target.removesuffix(":")
    if as_controller in store.controllers():
        store.set_current_controller(as_controller)
        return _focus(context, as_controller) or f"{as_controller} (controller)"
    if target.endswith(":"):
        raise NotRemembered(f"controller {as_controller} not found")
    controller, name = split_model(target)
    controller = controller or current
    unknown = CommandError(f"{quoted(target)} is not the name of a model or controller")
    if not controller:
        raise unknown
    store.controller(controller)
    from sandbox.juju.cli.session import Session

    session = context.use(Session(controller=controller))
    try:
        model = session.find_model(name)
    except NotRemembered:
        raise unknown from None
    store.set_current_model(controller, model.name)
    store.set_current_controller(controller)
    return f"{controller}:{model.name}"


def _focus(context: Context, controller: str) -> str:
    model = context.session.store.current_model(controller) if controller else ""
    return f"{controller}:{model}" if model else ""


COMMANDS = {
    "models": Command(
        _models,
        "Lists models a user can access on a controller.",
        flags=(
            CONTROLLER,
            *formats("tabular", "json", "yaml"),
            flag("user", help="The user to list models for (administrative users only)"),
            flag("all", "bool", help="Lists all models, regardless of user accessibility"),
            flag("uuid", "bool", help="Display UUID for models"),
            flag("exact-time", "bool", help="Use full timestamps"),
        ),
    ),
    "add-model": Command(
        _add_model,
        "Adds a workload model.",
        "<model name> [cloud|region|(cloud/region)]",
        (
            CONTROLLER,
            flag("config", "repeat", help="A YAML model configuration file or key=value"),
            flag("credential", help="Specify the credential to be used by the model"),
            flag("no-switch", "bool", help="Do not switch to the newly created model"),
            flag("owner", help="Specify the user who will own the model"),
        ),
        check=_check_add_model,
    ),
    "show-model": Command(
        _show_model,
        "Shows information about the current or specified model.",
        "[<model name>]",
        (MODEL, *formats("yaml", "json")),
        check=at_most(1),
    ),
    "destroy-model": Command(
        _destroy_model,
        "Terminate all machines/containers and resources for a model.",
        "[<controller name>:]<model name>",
        (
            flag("y yes no-prompt", "bool", help="Do not ask for confirmation"),
            flag("destroy-storage", "bool", help="Destroy all storage instances in the model"),
            flag("release-storage", "bool", help="Release all storage instances of the model"),
            flag("force", "bool", help="Force destroy model ignoring any errors"),
            flag("no-wait", "bool", help="Rush through model destruction"),
            flag("t timeout", "seconds", help="Timeout for each step of force destruction"),
        ),
        check=_check_destroy,
    ),
    "switch": Command(
        _switch,
        "Selects or identifies the current controller and model.",
        "[<controller>|<model>|<controller>:|:<model>|<controller>:<model>]",
        check=at_most(1),
    ),
}
COMMANDS["list-models"] = COMMANDS["models"]
