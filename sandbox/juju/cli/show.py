"""`juju show-unit` and `juju show-application`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    formats,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import filled, naturally
from sandbox.juju.cli.status_document import display_channel
from sandbox.juju.cli.tags import is_unit, name_of, unit_tag
from sandbox.juju.names import is_application

Json = dict[str, Any]


def _show_units(context: Context) -> None:
    arguments = context.arguments
    tags = [unit_tag(name) for name in arguments.positional]
    shown = {
        name_of(unit["tag"]): unit_document(
            unit,
            endpoint=arguments["endpoint"],
            related_unit=arguments["related-unit"],
            application_only=arguments["app"],
        )
        for unit in _infos(context, "UnitsInfo", tags)
    }
    context.write(shown)


def _show_applications(context: Context) -> None:
    tags = [f"application-{name}" for name in context.arguments.positional]
    infos = _infos(context, "ApplicationsInfo", tags)
    context.write({name_of(info["tag"]): application_document(info) for info in infos})


def _infos(context: Context, request: str, tags: list[str]) -> list[Json]:
    answer = context.session.to_model().call(
        "Application", request, {"entities": [{"tag": tag} for tag in tags]}
    )
    results = answer.get("results") or []
    problems = [result["error"]["message"] for result in results if result.get("error")]
    if problems:
        raise CommandError("\n".join(problems))
    return [result["result"] for result in results]


def unit_document(
    unit: Mapping[str, Any],
    *,
    endpoint: str = "",
    related_unit: str = "",
    application_only: bool = False,
) -> Json:
    """A unit with the databags of its relations (cmd/juju/application/showunit.go)."""
    own = name_of(unit["tag"])
    relations = []
    for relation in unit.get("relation-data") or []:
        if endpoint and relation.get("endpoint") != endpoint:
            continue
        document = _relation(relation, own, related_unit, application_only)
        told = any(document.get(key) for key in ("application-data", "related-units"))
        told = told or bool((document.get("local-unit") or {}).get("data"))
        if endpoint or told or application_only:
            relations.append(document)
    return {
        **filled(
            workload_version=unit.get("workload-version"),
            machine=unit.get("machine"),
        ),
        "opened-ports": unit.get("opened-ports") or [],
        **filled(public_address=unit.get("public-address")),
        "charm": unit.get("charm", ""),
        "leader": bool(unit.get("leader")),
        **filled(
            life=unit.get("life"),
            relation_info=relations,
            provider_id=unit.get("provider-id"),
            address=unit.get("address"),
        ),
    }


def _relation(
    relation: Mapping[str, Any], own: str, related_unit: str, application_only: bool
) -> Json:
    # Go's encoder names this field by its struct field: ApplicationData.
    shared = relation.get("ApplicationData") or relation.get("application-data") or {}
    units = relation.get("unit-relation-data") or {}
    document: Json = {
        "relation-id": relation.get("relation-id", 0),
        "endpoint": relation.get("endpoint", ""),
        **filled(cross_model=relation.get("cross-model")),
        "related-endpoint": relation.get("related-endpoint", ""),
        "application-data": {key: shared[key] for key in sorted(shared)},
    }
    if application_only:
        return document
    wanted = [name for name in naturally(units) if related_unit in ("", name)]
    if own in wanted:
        document["local-unit"] = _databag(units[own])
    others = {name: _databag(units[name]) for name in wanted if name != own}
    return {**document, **filled(related_units=others)}


def _databag(data: Mapping[str, Any]) -> Json:
    settings = data.get("UnitData") or data.get("data") or {}
    return {
        "in-scope": bool(data.get("InScope", data.get("in-scope"))),
        "data": {key: settings[key] for key in sorted(settings)},
    }


def application_document(info: Mapping[str, Any]) -> Json:
    """An application (cmd/juju/application/show.go)."""
    base = info.get("base") or {}
    charm = info.get("charm", "")
    limits = {k: v for k, v in (info.get("constraints") or {}).items() if v not in (None, "")}
    return {
        **filled(
            charm=charm,
            base=f"{base['name']}@{display_channel(base['channel'])}"
            if base.get("channel")
            else None,
            channel=info.get("channel"),
            constraints=limits,
        ),
        "principal": bool(info.get("principal")),
        "exposed": bool(info.get("exposed")),
        **filled(exposed_endpoints=info.get("exposed-endpoints")),
        "remote": bool(info.get("remote")),
        **filled(
            life=info.get("life"),
            endpoint_bindings=dict(sorted((info.get("endpoint-bindings") or {}).items())),
        ),
    }


def _check_units(arguments: Arguments) -> None:
    at_least(1, "an unit name must be supplied")(arguments)
    related = arguments["related-unit"]
    if related and not is_unit(related):
        raise UsageError(f"related unit name {related} not valid")
    wrong = [name for name in arguments.positional if not is_unit(name)]
    if wrong:
        plural = "s" if len(wrong) > 1 else ""
        raise UsageError(f"unit name{plural} {', '.join(wrong)} not valid")


def _check_applications(arguments: Arguments) -> None:
    at_least(1, "an application name must be supplied")(arguments)
    wrong = [name for name in arguments.positional if not is_application(name)]
    if wrong:
        plural = "s" if len(wrong) > 1 else ""
        raise UsageError(f"application name{plural} {', '.join(wrong)} not valid")


COMMANDS = {
    "show-unit": Command(
        _show_units,
        "Displays information about a unit.",
        "<unit name>",
        (
            MODEL,
            *formats("yaml", "json", "smart"),
            flag("endpoint", help="Only show relation data for the specified endpoint"),
            flag("related-unit", help="Only show relation data for the specified unit"),
            flag("app", "bool", help="Only show application relation data"),
        ),
        check=_check_units,
    ),
    "show-application": Command(
        _show_applications,
        "Displays information about an application.",
        "<application name>",
        (MODEL, *formats("yaml", "json", "smart")),
        check=_check_applications,
    ),
}
