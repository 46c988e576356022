"""Charms 5 to 7: charms found in Charmhub, added to the model and described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.juju import charm_archive
from sandbox.juju.api import framing, hub
from sandbox.juju.api.facades import charm_documents as documents
from sandbox.juju.api.facades.application_documents import channel_parts
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each, one
from sandbox.juju.api.session import Access, Session
from sandbox.juju.api.status.full import base_document
from sandbox.juju.errors import JujuError
from sandbox.juju.state import applications, charms, units
from sandbox.juju.state.store import Transaction


def resolve_charms(session: Session, parameters: Fields) -> dict[str, Any]:
    """ResolveCharms of version 7: the revision for a name, channel and base."""
    return {"Results": [_resolve(session, item) for item in parameters.each("resolve")]}


def resolve_charms_with_series(session: Session, parameters: Fields) -> dict[str, Any]:
    """ResolveCharms before version 7: bases by the names of Ubuntu's releases."""
    results = resolve_charms(session, parameters)["Results"]
    return {
        "Results": [result if "error" in result else _with_series(result) for result in results]
    }


def get_download_infos(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetDownloadInfos: the origin as it will be fetched."""
    results = []
    for item in parameters.each("entities"):
        reference = hub.parse_reference(item.text("charm-url"))
        origin = hub.parse_origin(item.fields("charm-origin"))
        resolved = hub.resolve(
            session.home, reference.name, origin.channel, origin.base, reference.revision
        )
        url = charms.hub_url(resolved.name, resolved.revision)
        results.append({"url": url, "charm-origin": _origin(resolved, origin)})
    return {"results": results}


def add_charm(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddCharm and AddCharmWithAuthorization: let the model know a revision."""
    url, fields = parameters.text("url"), parameters.fields("charm-origin")
    origin = hub.parse_origin(fields)
    if url.startswith("local:"):
        with session.store.transaction() as tx:
            charms.get(tx, session.model, url)
        return {"charm-origin": dict(parameters.mapping("charm-origin"))}
    reference = hub.parse_reference(url)
    revision = origin.revision if reference.revision is None else reference.revision
    if origin.source not in ("", "charm-hub"):
        raise JujuError(f'unknown source for charm "{origin.source}"', code="bad request")
    resolved = hub.resolve(session.home, reference.name, origin.channel, origin.base, revision)
    with session.store.transaction() as tx:
        charm = hub.add(
            tx,
            session.home,
            session.model,
            reference.name,
            resolved.revision,
            reference.architecture,
        )
    return {"charm-origin": {**_origin(resolved, origin), "hash": charm.sha256}}


def charm_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """CharmInfo: metadata, options and actions of a charm that the model knows."""
    with session.store.transaction() as tx:
        return documents.charm(hub.known_charm(tx, session.model, parameters.text("url")))


def list_charms(session: Session, parameters: Fields) -> dict[str, Any]:
    """List: URLs of the model's charms, of some names or all."""
    names = parameters.texts("names")
    with session.store.transaction() as tx:
        found = charms.all_charms(tx, session.model)
    return {"charm-urls": [charm.url for charm in found if not names or charm.name in names]}


def is_metered(session: Session, parameters: Fields) -> dict[str, Any]:
    """IsMetered: no charm is."""
    return {"metered": False}


def check_charm_placement(session: Session, parameters: Fields) -> dict[str, Any]:
    """CheckCharmPlacement: whether an application's units would mix architectures."""

    def check(tx: Transaction, item: Fields) -> None:
        name, url = item.text("application"), item.text("charm-url")
        if url.startswith("local:") or not units.names(tx, session.model, name):
            return
        application = applications.get(tx, session.model, name)
        current = application.constraints.get("arch") or "amd64"
        if not application.subordinate and current != hub.parse_reference(url).architecture:
            raise JujuError("charm can not be placed in a heterogeneous environment")

    return each(session, parameters.each("placements"), check)


def list_charm_resources(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListCharmResources: what a charm of Charmhub declares; the stand-ins have no files."""

    def show(_tx: Transaction, item: Fields) -> dict[str, Any]:
        reference = hub.parse_reference(item.text("charm-url"))
        origin = hub.parse_origin(item.fields("charm-origin"))
        resolved = hub.resolve(
            session.home, reference.name, origin.channel, origin.base, reference.revision
        )
        archive = hub.archive(session.home, resolved.name, resolved.revision)
        return {"found": documents.resources(charm_archive.read(archive).metadata)}

    results = [one(session, item, show) for item in parameters.each("entities")]
    return {"results": [found.get("found", [found]) for found in results]}


def _resolve(session: Session, item: Fields) -> dict[str, Any]:
    try:
        origin = hub.parse_origin(item.fields("charm-origin"))
        reference = hub.parse_reference(item.text("reference"))
        if origin.source == "charm-hub" and not item.fields("charm-origin").text("architecture"):
            raise JujuError("empty architecture not valid", code="not valid")
        revision = reference.revision if origin.revision in (None, -1) else origin.revision
        resolved = hub.resolve(session.home, reference.name, origin.channel, origin.base, revision)
    except JujuError as error:
        return {
            "url": "",
            "charm-origin": {},
            "supported-bases": [],
            "error": framing.error_document(error),
        }
    return {
        "url": charms.hub_url(resolved.name, resolved.revision, architecture=origin.architecture),
        "charm-origin": _origin(resolved, origin),
        "supported-bases": [base_document(base) for base in resolved.bases],
    }


def _origin(resolved: hub.Resolved, origin: hub.Origin) -> dict[str, Any]:
    return {
        "source": "charm-hub",
        "type": "charm",
        "id": resolved.name,
        "revision": resolved.revision,
        "architecture": origin.architecture,
        "base": base_document(origin.base or resolved.base),
        **channel_parts(resolved.channel),
    }


def _with_series(result: dict[str, Any]) -> dict[str, Any]:
    bases = result["supported-bases"]
    series = [hub.SERIES[track] for track in map(_track, bases) if track in hub.SERIES]
    kept = {name: value for name, value in result.items() if name != "supported-bases"}
    chosen = hub.SERIES.get(_track(result["charm-origin"]["base"]))
    if chosen:
        architecture, _, name = result["url"].removeprefix("ch:").partition("/")
        kept["url"] = f"ch:{architecture}/{chosen}/{name}"
    return {**kept, "supported-series": series}


def _track(base: dict[str, Any]) -> str:
    return base["channel"].partition("/")[0]


def _methods(resolve: Callable[[Session, Fields], Any]) -> dict[str, Method]:
    return {
        "ResolveCharms": Method(resolve, Access.READ),
        "GetDownloadInfos": Method(get_download_infos, Access.READ),
        "AddCharm": Method(add_charm, Access.WRITE),
        "CharmInfo": Method(charm_info, Access.READ),
        "List": Method(list_charms, Access.READ),
        "IsMetered": Method(is_metered, Access.READ),
        "CheckCharmPlacement": Method(check_charm_placement, Access.READ),
        "ListCharmResources": Method(list_charm_resources, Access.READ),
    }


FACADES = (
    Facade(
        "Charms",
        5,
        {
            **_methods(resolve_charms_with_series),
            "AddCharmWithAuthorization": Method(add_charm, Access.WRITE),
        },
    ),
    Facade("Charms", 6, _methods(resolve_charms_with_series)),
    Facade("Charms", 7, _methods(resolve_charms)),
)
