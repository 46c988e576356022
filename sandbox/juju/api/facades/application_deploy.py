"""Application: deployed from a charm or by its name, and refreshed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.juju.api import framing, hub, tags
from sandbox.juju.api.facades import application_documents as documents
from sandbox.juju.api.facades import placements
from sandbox.juju.api.facades.application_config import check_secrets, settings_of_yaml
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Session
from sandbox.juju.api.status.full import base_document
from sandbox.juju.errors import JujuError, NotValid
from sandbox.juju.state import (
    applications,
    models,
    refresh,
    storage_attachments,
    units,
    values,
)
from sandbox.juju.state.store import Transaction


def deploy(session: Session, parameters: Fields) -> dict[str, Any]:
    """Deploy: applications of charms that the model knows already."""

    def one(tx: Transaction, arguments: Fields) -> None:
        origin = hub.check_origin(arguments.fields("charm-origin"))
        charm = hub.known_charm(tx, session.model, arguments.text("charm-url"))
        name = arguments.text("application")
        given = {
            **settings_of_yaml(arguments.text("config-yaml"), name),
            **arguments.text_map("config"),
        }
        check_secrets(charm, given)
        request = applications.Request(
            base=origin.base or _first_base(charm),
            channel=origin.channel or arguments.text("channel"),
            num_units=arguments.number("num-units"),
            config=given,
            constraints=arguments.mapping("constraints"),
            placement=placements.parse(tx, session.model, arguments.each("placement")),
            bindings=arguments.text_map("endpoint-bindings"),
            storage=_storage(arguments),
            resources=arguments.text_map("resources"),
            existing_storage=[tags.storage(t) for t in arguments.texts("attach-storage")],
            force=arguments.flag("Force"),
        )
        applications.deploy(tx, session.model, name, charm, request)
        _attach(tx, session.model, name, request.existing_storage)

    return each(session, parameters.each("applications"), one)


def deploy_from_repository(session: Session, parameters: Fields) -> dict[str, Any]:
    """DeployFromRepository: the controller itself finds the charm in Charmhub."""
    return {"Results": [_deploy_one(session, item) for item in parameters.each("Args")]}


def set_charm(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetCharm: refresh an application to another revision or charm that the model knows."""
    origin = hub.check_origin(parameters.fields("charm-origin"))
    name = parameters.text("application")
    given = {
        **settings_of_yaml(parameters.text("config-settings-yaml"), name),
        **parameters.text_map("config-settings"),
    }
    with session.store.transaction() as tx:
        charm = hub.known_charm(tx, session.model, parameters.text("charm-url"))
        check_secrets(charm, given)
        refresh.refresh(
            tx,
            session.model,
            name,
            charm,
            channel=origin.channel or parameters.text("channel"),
            config=given,
            bindings=parameters.text_map("endpoint-bindings"),
            storage_directives=_storage(parameters, "storage-constraints"),
            force=parameters.flag("force"),
            force_base=parameters.flag("force-base"),
            force_units=parameters.flag("force-units"),
        )
    return {}


def get_charm_url_origin(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetCharmURLOrigin: what an application runs, and where that came from."""
    try:
        with session.store.transaction() as tx:
            application = applications.get(tx, session.model, parameters.text("application"))
            charm = applications.charm_of(tx, application)
    except JujuError as error:
        return {"url": "", "charm-origin": {}, "error": framing.error_document(error)}
    return {"url": charm.url, "charm-origin": documents.origin(application, charm)}


def update_application_base(session: Session, parameters: Fields) -> dict[str, Any]:
    """UpdateApplicationBase: the base of units to come."""

    def update(tx: Transaction, arguments: Fields) -> None:
        name = tags.application(arguments.fields("tag").text("tag"))
        channel = arguments.text("channel")
        if not channel:
            raise NotValid("channel missing from args", code="bad request")
        applications.set_base(tx, session.model, name, f"ubuntu@{channel}")

    return each(session, parameters.each("args"), update)


def _deploy_one(session: Session, item: Fields) -> dict[str, Any]:
    """params.DeployFromRepositoryResult."""
    result: dict[str, Any] = {"Errors": None, "Info": None, "PendingResourceUploads": None}
    try:
        with session.store.transaction() as tx:
            result["Info"] = _deploy_named(tx, session, item)
    except JujuError as error:
        result["Errors"] = [framing.error_document(error)]
        result["Info"] = {"architecture": "", "channel": "", "name": "", "revision": 0}
    return result


def _deploy_named(tx: Transaction, session: Session, item: Fields) -> dict[str, Any]:
    reference = hub.parse_reference(item.text("CharmName"))
    base = _wanted_base(tx, session.model, item.fields("base"))
    revision = item.optional_number("revision")
    resolved = hub.resolve(session.home, reference.name, item.text("channel"), base, revision)
    architecture = item.fields("Cons").text("arch") or reference.architecture
    charm = hub.add(
        tx, session.home, session.model, resolved.name, resolved.revision, architecture
    )
    name = item.text("ApplicationName") or resolved.name
    given = settings_of_yaml(item.text("ConfigYAML"), name)
    check_secrets(charm, given)
    request = applications.Request(
        base=base or resolved.base,
        channel=resolved.channel,
        num_units=_unit_count(item, charm),
        config=given,
        constraints=item.mapping("Cons"),
        placement=placements.parse(tx, session.model, item.each("Placement")),
        bindings=item.text_map("endpoint-bindings"),
        storage=_storage(item),
        resources=item.text_map("resources"),
        existing_storage=[tags.storage(tag) for tag in item.texts("AttachStorage")],
        trust=item.flag("Trust"),
        force=item.flag("force"),
    )
    if not item.flag("DryRun"):
        applications.deploy(tx, session.model, name, charm, request)
        _attach(tx, session.model, name, request.existing_storage)
    return {
        "architecture": architecture,
        "base": base_document(request.base),
        "channel": resolved.channel,
        "name": name,
        "revision": resolved.revision,
    }


def _wanted_base(tx: Transaction, model: str, base: Fields) -> str:
    """The base that was asked for, or the model's default one; empty for the charm's first."""
    if base.text("name"):
        return applications.full_base(f"{base.text('name')}@{base.text('channel')}")
    default = str(models.get_config(tx, model)["default-base"])
    return applications.full_base(default) if default else ""


def _unit_count(item: Fields, charm: values.Charm) -> int:
    """One unit where nothing is said; of a subordinate none, whatever is said, as in Juju."""
    if charm.subordinate:
        return 0
    count = item.optional_number("num-units")
    return 1 if count is None else count


def _first_base(charm: values.Charm) -> str:
    if not charm.bases:
        raise NotValid(f'charm "{charm.name}" names no base: pass one in the charm origin')
    return f"{charm.bases[0]['name']}@{charm.bases[0]['channel']}"


def _storage(item: Fields, member: str = "storage") -> dict[str, dict[str, Any]]:
    """Storage directives; Go's names of their members, zero where not given."""
    directives = {}
    for name, value in item.mapping(member).items():
        fields = Fields.parse(value)
        directive = {
            "pool": fields.text("Pool"),
            "size": fields.number("Size"),
            "count": fields.number("Count"),
        }
        directives[name] = {key: found for key, found in directive.items() if found}
    return directives


def _attach(tx: Transaction, model: str, application: str, existing: Sequence[str]) -> None:
    """Give the one new unit storage that exists."""
    for identity in existing:
        (unit,) = units.names(tx, model, application)
        storage_attachments.attach(tx, model, identity, unit)
