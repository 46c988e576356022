"""Application: options, constraints, exposure and bindings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from sandbox.juju.api import tags
from sandbox.juju.api.facades import application_documents as documents
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Session
from sandbox.juju.errors import JujuError, NotValid
from sandbox.juju.state import applications, secret_values, values
from sandbox.juju.state.store import Transaction


def get(session: Session, parameters: Fields) -> dict[str, Any]:
    """Get: options with their values and sources, constraints and bindings."""
    with session.store.transaction() as tx:
        application = applications.get(tx, session.model, parameters.text("application"))
        return documents.settings(application, applications.charm_of(tx, application))


def charm_config(session: Session, parameters: Fields) -> dict[str, Any]:
    """CharmConfig: the options of each application that is named."""
    names = [argument.text("application") for argument in parameters.each("args")]
    shown = each(session, names, lambda tx, name: _options(tx, session.model, name))
    return {"Results": shown["results"]}


def get_config(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetConfig: the same, by tag."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        kind = tags.kind(tag)
        if kind != "application":
            raise JujuError(f"unexpected tag type, expected application, got {kind}")
        return _options(tx, session.model, tags.application(tag))

    return {"Results": each(session, entity_tags(parameters), show)["results"]}


def set_configs(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetConfigs: from YAML and from texts; the texts win."""

    def change(tx: Transaction, arguments: Fields) -> None:
        name = arguments.text("application")
        application = applications.get(tx, session.model, name)
        given = {
            **settings_of_yaml(arguments.text("config-yaml"), name),
            **arguments.text_map("config"),
        }
        check_secrets(applications.charm_of(tx, application), given)
        applications.set_config(tx, session.model, name, given)

    return each(session, parameters.each("Args"), change)


def unset_config(session: Session, parameters: Fields) -> dict[str, Any]:
    """UnsetApplicationsConfig: back to the defaults."""

    def change(tx: Transaction, arguments: Fields) -> None:
        name = arguments.text("application")
        applications.set_config(tx, session.model, name, unset=arguments.texts("options"))

    return each(session, parameters.each("Args"), change)


def get_constraints(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetConstraints."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        application = applications.get(tx, session.model, tags.application(tag))
        return {"constraints": application.constraints}

    return each(session, entity_tags(parameters), show)


def set_constraints(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetConstraints: they replace the old ones, for units to come."""
    with session.store.transaction() as tx:
        applications.set_constraints(
            tx,
            session.model,
            parameters.text("application"),
            parameters.mapping("constraints"),
        )
    return {}


def expose(session: Session, parameters: Fields) -> dict[str, Any]:
    """Expose: all of an application, or some endpoints."""
    endpoints = {
        name: {
            kind: Fields.parse(to).texts(kind) for kind in ("expose-to-cidrs", "expose-to-spaces")
        }
        for name, to in parameters.mapping("exposed-endpoints").items()
    }
    with session.store.transaction() as tx:
        applications.expose(tx, session.model, parameters.text("application"), endpoints or None)
    return {}


def unexpose(session: Session, parameters: Fields) -> dict[str, Any]:
    """Unexpose: all of it, or some endpoints."""
    with session.store.transaction() as tx:
        applications.unexpose(
            tx,
            session.model,
            parameters.text("application"),
            parameters.texts("exposed-endpoints"),
        )
    return {}


def merge_bindings(session: Session, parameters: Fields) -> dict[str, Any]:
    """MergeBindings: bind endpoints to other spaces."""

    def merge(tx: Transaction, arguments: Fields) -> None:
        name = tags.application(arguments.text("application-tag"))
        applications.merge_bindings(tx, session.model, name, arguments.text_map("bindings"))

    return each(session, parameters.each("args"), merge)


def settings_of_yaml(text: str, application: str) -> dict[str, Any]:
    """The options in a settings file: under the application's name, or as `juju config` prints.

    Raises:
        JujuError: not YAML, or nothing in it for this application.
    """
    if not text.strip():
        return {}
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = str(error).replace("\n", " ")
        raise JujuError(f"cannot parse settings data: {where}") from None
    if isinstance(document, dict):
        own = document.get(application)
        if isinstance(own, dict):
            return own
        printed = document.get("settings")
        if isinstance(printed, dict):
            return {
                name: entry["value"]
                for name, entry in printed.items()
                if isinstance(entry, dict) and "value" in entry
            }
    raise JujuError(f'no settings found for "{application}"')


def check_secrets(charm: values.Charm, given: Mapping[str, Any]) -> None:
    """Refuse an option of type secret that holds no secret's URI."""
    options = charm.options()
    for name, value in given.items():
        if name not in options or options[name].type != "secret" or not value:
            continue
        try:
            secret_values.parse_uri(str(value))
        except JujuError:
            # The value stays out of the message: it may be the secret itself.
            raise NotValid(
                f'invalid secret URI for option "{name}": secret URI not valid,'
                " expected secret:<id> as add-secret prints it"
            ) from None


def _options(tx: Transaction, model: str, name: str) -> dict[str, Any]:
    application = applications.get(tx, model, name)
    charm = applications.charm_of(tx, application)
    return {"config": documents.options(application, charm)}
