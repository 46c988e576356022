"""`juju deploy <bundle>`: read, verify, plan, and carry the plan out change by change."""

from __future__ import annotations

import dataclasses
import pathlib

from sandbox.juju import constraints
from sandbox.juju.bundles.bundle import Application, Bundle, bundle_of, read_sources
from sandbox.juju.bundles.charms import Resolved, channel_of
from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.merge import merged, normalized
from sandbox.juju.bundles.model_state import ModelState, PresentApplication
from sandbox.juju.bundles.plan import Request, plan
from sandbox.juju.bundles.source import Document, Source
from sandbox.juju.bundles.verify import verify
from sandbox.juju.cli.bundle_executor import BundleExecutor
from sandbox.juju.cli.charm_origins import (
    chosen_base,
    hub_origin,
    located,
    origin_channel,
    parse_channel,
    read_packed,
    resolve,
    supported_bases,
)
from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.cli.command import CommandError, Context
from sandbox.juju.cli.deploy_options import (
    parse_machine_map,
    parse_storages,
    storages_by_application,
)
from sandbox.juju.cli.model_snapshot import read_model
from sandbox.juju.client.bases import Base, base_of_series, parse_base
from sandbox.juju.client.errors import ApiError

_CANNOT = "cannot deploy bundle"


def deploy_bundle(context: Context, path: pathlib.Path) -> None:
    """Make the model hold what a bundle and its overlays ask for.

    Raises:
        CommandError: the bundle is wrong, or a change was refused.
    """
    arguments = context.arguments
    overlays = [pathlib.Path(name).expanduser() for name in arguments["overlay"]]
    try:
        sources = read_sources(path, overlays)
        _tell_strays(context, sources)
        verify(normalized(sources[0].parts[0].data), sources[0].folder)
        document = merged(sources)
        verify(document, sources[0].folder)
    except BundleError as error:
        raise CommandError(f"{_CANNOT}: {error}") from error
    connection = context.session.to_model()
    if connection.release >= (4, 0):
        document = _without_series(document)
    bundle = bundle_of(document)
    _warn_series(context, document)
    _check_trust(context, bundle)
    existing, machine_map = parse_machine_map(arguments["map-machines"])
    model = read_model(connection)
    _check_spaces(context, bundle)
    if existing:
        tops = {machine: machine for machine in model.machines if "/" not in machine}
        machine_map = {**tops, **machine_map}
    bundle, resolved = _resolved(context, bundle, model)
    request = Request(bundle, model, resolved, machine_map, arguments["force"])
    try:
        changes = plan(request)
    except BundleError as error:
        raise CommandError(f"{_CANNOT}: {error}") from error
    if not changes:
        context.inform("No changes to apply.")
        return
    storages = storages_by_application(parse_storages(arguments["storage"]))
    BundleExecutor(context, bundle, sources[0].folder, storages).carry_out(changes)


def _tell_strays(context: Context, sources: list[Source]) -> None:
    """Speak of keys that no bundle has.

    Juju 3.6 ignores every one of them. Beside the sections, where bundles keep anchors and
    notes of their own, so do we; inside an application or a machine a stray key is a typing
    error that would silently deploy something else, so it stops unless --force is given.
    """
    parts = [part for source in sources for part in source.parts]
    wrong = [stray for part in parts if part.stray_in_parts for stray in part.strays]
    if wrong and not context.arguments["force"]:
        lines = "\n".join(f"  {stray}" for stray in wrong)
        raise BundleError(f"unmarshal document: yaml: unmarshal errors:\n{lines}")
    strays = [stray for part in parts for stray in part.strays]
    if strays and context.arguments["dry-run"]:
        lines = "\n".join(f" {stray}" for stray in strays)
        context.warn(f"These fields\n{lines}\nwill be ignored during deployment\n")


def _warn_series(context: Context, document: Document) -> None:
    parts = [document, *(document.get("machines") or {}).values()]
    parts += (document.get("applications") or {}).values()
    if any(part and part.get("series") for part in parts):
        context.warn(
            "series are being deprecated in favour of bases. For more information about the "
            "transition to bases see https://discourse.charmhub.io/t/"
            "transition-from-series-to-base-in-juju-4-0/14127"
        )


def _without_series(document: Document) -> Document:
    """The bundle as Juju 4.0 reads it: series mean nothing there."""
    kept = {name: value for name, value in document.items() if name != "series"}
    for section in ("applications", "machines"):
        parts = document.get(section) or {}
        kept[section] = {
            name: {key: value for key, value in (part or {}).items() if key != "series"}
            for name, part in parts.items()
        }
    return kept


def _check_trust(context: Context, bundle: Bundle) -> None:
    needing = sorted(name for name, app in bundle.applications.items() if app.needs_trust)
    if needing and not (context.arguments["trust"] or context.arguments["force"]):
        names = "\n  - ".join(needing)
        raise CommandError(
            "Bundle cannot be deployed without trusting applications with your cloud "
            "credentials.\nPlease repeat the deploy command with the --trust argument if you "
            f"consent to trust the following application(s):\n  - {names}"
        )


def _check_spaces(context: Context, bundle: Bundle) -> None:
    wanted = {space for app in bundle.applications.values() for space in app.bindings.values()}
    if not wanted:
        return
    answer = context.session.to_model().call("Spaces", "ListSpaces")
    known = {space["name"] for space in answer.get("results") or []}
    for space in sorted(wanted - known):
        raise CommandError(f'{_CANNOT}: space "{space}" not found')


def _resolved(
    context: Context, bundle: Bundle, model: ModelState
) -> tuple[Bundle, dict[str, Resolved]]:
    """The bundle with every charm found: asked of Charmhub, or read from its file."""
    default = _default_base(bundle)
    applications: dict[str, Application] = {}
    resolved: dict[str, Resolved] = {}
    asked: dict[tuple[str, str, int | None, str], tuple[Resolved, str]] = {}
    for name in sorted(bundle.applications):
        app = bundle.applications[name]
        present = model.applications.get(name)
        if app.is_local:
            applications[name], resolved[name] = _local(name, app, present, default)
            continue
        url = parse_charm_url(app.charm)
        charm = url.name if url else app.charm
        base = _stated_base(app) or default
        key = (charm, channel_of(app), app.revision, str(base or ""))
        if key not in asked:
            asked[key] = _from_hub(context, charm, app, base)
        resolved[name], found = asked[key]
        if present is None or present.charm != charm:
            context.inform(found)
        applications[name] = dataclasses.replace(app, charm=charm)
    return dataclasses.replace(bundle, applications=applications), resolved


def _local(
    name: str, app: Application, present: PresentApplication | None, default: Base | None
) -> tuple[Application, Resolved]:
    """A local charm: what the model has stays; else the file says which bases it supports.

    Raises:
        CommandError: the file is no charm, or it is a subordinate with units of its own.
    """
    if present is not None:
        kept = Resolved(present.channel, present.revision, present.base)
        return dataclasses.replace(app, charm=present.charm), kept
    if app.charm.startswith("local:"):
        return app, Resolved(base=str(_stated_base(app) or default or ""))
    archive = read_packed(pathlib.Path(app.charm))
    if archive.metadata.get("subordinate") and (app.to or app.units):
        which = "specifies unit placement" if app.to else "has non-zero num_units"
        raise CommandError(f'{_CANNOT}: application "{name}" is subordinate but {which}')
    base = _stated_base(app) or chosen_base("", supported_bases(archive), str(default or ""))
    return app, Resolved(base=str(base or ""))


def _from_hub(
    context: Context, charm: str, app: Application, base: Base | None
) -> tuple[Resolved, str]:
    """What Charmhub has for an application's charm, and the words that tell it was found.

    Raises:
        CommandError: Charmhub has no such charm or channel, or it is a bundle.
    """
    arch = constraints.parse(app.constraints).get("arch") or "amd64"
    origin = hub_origin(
        parse_channel(app.channel),
        architecture=arch,
        base=base,
        revision=-1 if app.revision is None else app.revision,
    )
    connection = context.session.to_model()
    try:
        url, found, _ = resolve(connection, charm, origin)
    except ApiError as error:
        raise CommandError(
            f'{_CANNOT}: cannot resolve charm or bundle "{charm}": {error}'
        ) from error
    if found.get("type") == "bundle":
        raise CommandError(f'{_CANNOT}: expected charm, got bundle "{charm}"')
    parsed = parse_charm_url(url)
    words = located(f"ch:{parsed.name if parsed else charm}", found)
    revision = found.get("revision")
    known = Resolved(origin_channel(found), -1 if revision is None else revision, str(base or ""))
    return known, words


def _default_base(bundle: Bundle) -> Base | None:
    if bundle.default_base:
        return parse_base(bundle.default_base)
    return base_of_series(bundle.series) if bundle.series else None


def _stated_base(app: Application) -> Base | None:
    if app.base:
        return parse_base(app.base)
    return base_of_series(app.series) if app.series else None
