"""What makes a bundle wrong, all of it at once (bundledata.go, cmd/juju/application/bundle)."""

from __future__ import annotations

import ipaddress
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.juju import constraints, names
from sandbox.juju.bundles.errors import BundleError, InvalidBundle
from sandbox.juju.bundles.placement import Placement, parse_placement
from sandbox.juju.bundles.schema import KUBERNETES
from sandbox.juju.bundles.source import Document
from sandbox.juju.bundles.storage_constraints import parse_storage
from sandbox.juju.errors import JujuError

_RELATION = r"[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*"
_ENDPOINT = re.compile(rf"({names.APPLICATION}):({_RELATION})")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_STORAGE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*")
_SERIES = re.compile(r"[a-z]+(?:[a-z0-9]+)?")
_BASE = re.compile(r"[a-z][a-z0-9]*@[^@/\s]+(?:/(?:stable|candidate|beta|edge))?")
_CHARM = re.compile(
    rf"(?:(?P<schema>ch|local):)?(?:[a-z0-9]+/)?(?:[a-z]+/)?"
    rf"(?P<name>{names.APPLICATION})(?:-(?P<revision>[0-9]+))?"
)
_OFFER_URL = re.compile(r"(?:[^:/.]+:)?(?:[^/:.]+/)?[^./:]+\.[^/]+")


def verify(document: Document, folder: pathlib.Path) -> None:
    """Check a bundle's document; local charms must exist, relative paths are from `folder`.

    Raises:
        InvalidBundle: with every problem found.
    """
    problems = list(problems_of(document, folder))
    if problems:
        raise InvalidBundle(problems)


def problems_of(document: Document, folder: pathlib.Path) -> Iterator[str]:
    """Every problem of a bundle's document, in Juju's words."""
    kind = document.get("bundle") or ""
    if kind not in ("", KUBERNETES):
        yield f'bundle has an invalid type "{kind}"'
    if kind == KUBERNETES and document.get("machines"):
        yield "bundle machines not valid for Kubernetes bundles"
    series, base = document.get("series"), document.get("default-base")
    if series and not _SERIES.fullmatch(series):
        yield f'bundle declares an invalid series "{series}"'
    if base and not _BASE.fullmatch(base):
        yield f'bundle declares an invalid base "{base}"'
    yield from _saas_problems(document)
    yield from _machine_problems(document)
    applications = document.get("applications") or {}
    if not applications:
        yield "at least one application must be specified"
    for name in sorted(applications):
        yield from _application_problems(document, name, folder)
    yield from _relation_problems(document)
    yield from _unused_machines(document)


def _saas_problems(document: Document) -> Iterator[str]:
    applications = document.get("applications") or {}
    for name, saas in sorted((document.get("saas") or {}).items()):
        if name in applications:
            yield f'application "{name}" already exists with SAAS "{name}" name'
        if not names.is_application(name):
            yield f'invalid SAAS name "{name}" found'
        url = (saas or {}).get("url") or ""
        if url and not _OFFER_URL.fullmatch(url):
            yield f'invalid offer URL "{url}" for SAAS {name}'


def _machine_problems(document: Document) -> Iterator[str]:
    for name, machine in sorted((document.get("machines") or {}).items()):
        if not _NUMBER.fullmatch(name):
            yield f'invalid machine id "{name}" found in machines'
        machine = machine or {}
        text = machine.get("constraints") or ""
        if problem := _constraint_problem(text):
            yield f'invalid constraints "{text}" in machine "{name}": {problem}'
        if machine.get("series") and not _SERIES.fullmatch(machine["series"]):
            yield f'invalid series "{machine["series"]}" for machine "{name}"'
        if machine.get("base") and not _BASE.fullmatch(machine["base"]):
            yield f'invalid base "{machine["base"]}" for machine "{name}"'


def _application_problems(document: Document, name: str, folder: pathlib.Path) -> Iterator[str]:
    app = document["applications"][name]
    if app is None:
        yield f'bundle application for key "{name}" is undefined'
        return
    if name in (document.get("saas") or {}):
        yield f'SAAS "{name}" already exists with application "{name}" name'
    yield from _charm_problems(name, app, folder)
    if app.get("series") and not _SERIES.fullmatch(app["series"]):
        yield f'application "{name}" declares an invalid series "{app["series"]}"'
    if app.get("base") and not _BASE.fullmatch(app["base"]):
        yield f'application "{name}" declares an invalid base "{app["base"]}"'
    text = app.get("constraints") or ""
    if problem := _constraint_problem(text):
        yield f'invalid constraints "{text}" in application "{name}": {problem}'
    yield from _storage_problems(name, app)
    yield from _offer_problems(name, app)
    for resource, value in sorted((app.get("resources") or {}).items()):
        if not resource:
            yield f'missing resource name on application "{name}"'
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            yield f'resource revision "{name}" is not int or string'
    units = app.get("num_units") or 0
    if units < 0:
        yield f'negative number of units specified on application "{name}"'
    if document.get("bundle") == KUBERNETES:
        if len(app.get("to") or []) > 1:
            yield f'too many placement directives for application "{name}"'
    else:
        yield from _placement_problems(document, name, units, app.get("to") or [])
    yield from _exposure_problems(name, app)


def _charm_problems(name: str, app: Document, folder: pathlib.Path) -> Iterator[str]:
    charm = app.get("charm") or ""
    if not charm:
        yield "empty charm path"
    revision = app.get("revision")
    if charm.startswith((".", "/")):
        path = pathlib.Path(folder, charm)
        if not path.exists():
            yield f'charm path in application "{name}" does not exist: {path}'
        return
    found = _CHARM.fullmatch(charm)
    if found is None:
        yield f'invalid charm URL in application "{name}": cannot parse URL "{charm}"'
        return
    hub = found["schema"] != "local"
    if hub and found["revision"]:
        yield f'cannot specify revision in "{charm}", please use revision'
    if revision is not None:
        if hub and not app.get("channel"):
            yield (
                f'application "{name}" with a revision requires a channel for future upgrades, '
                "please use channel"
            )
        if revision < 0:
            yield f'the revision for application "{name}" must be zero or greater'


def _storage_problems(name: str, app: Document) -> Iterator[str]:
    for storage, text in sorted((app.get("storage") or {}).items()):
        if not _STORAGE.fullmatch(storage):
            yield f'invalid storage name "{storage}" in application "{name}"'
        if problem := _storage_problem(text or ""):
            yield f'invalid storage "{storage}" in application "{name}": {problem}'
    for device in sorted(app.get("devices") or {}):
        if not _STORAGE.fullmatch(device):
            yield f'invalid device name "{device}" in application "{name}"'


def _storage_problem(text: str) -> str:
    try:
        parse_storage(text)
    except BundleError as error:
        return str(error)
    return ""


def _offer_problems(name: str, app: Document) -> Iterator[str]:
    for offer, spec in sorted((app.get("offers") or {}).items()):
        if not names.is_application(offer):
            yield f'invalid offer name "{offer}" in application "{name}"'
        for endpoint in (spec or {}).get("endpoints") or []:
            if not re.fullmatch(_RELATION, endpoint):
                yield (
                    f'invalid endpoint name "{endpoint}" for offer "{offer}" in '
                    f'application "{name}"'
                )


def _exposure_problems(name: str, app: Document) -> Iterator[str]:
    endpoints = app.get("exposed-endpoints") or {}
    if endpoints and app.get("expose"):
        yield (
            'exposed-endpoints cannot be specified together with "exposed:true" in application '
            f'"{name}" as this poses a security risk when deploying bundles to older controllers'
        )
        return
    for endpoint, exposure in sorted(endpoints.items()):
        for cidr in (exposure or {}).get("expose-to-cidrs") or []:
            if not _is_cidr(cidr):
                yield (
                    f'invalid CIDR "{cidr}" for expose to CIDRs field for endpoint "{endpoint}" '
                    f'in application "{name}"'
                )


def _is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _placement_problems(
    document: Document, name: str, units: int, directives: Sequence[str]
) -> Iterator[str]:
    applications = document.get("applications") or {}
    if 0 <= units < len(directives):
        yield f'too many units specified in unit placement for application "{name}"'
    for text in directives:
        placement = _placement(text)
        if placement is None:
            yield f'invalid placement syntax "{text}"'
        elif placement.application:
            target = applications.get(placement.application)
            if placement.application not in applications:
                yield f'placement "{text}" refers to an application not defined in this bundle'
            elif placement.unit >= 0 and placement.unit >= ((target or {}).get("num_units") or 0):
                count = (target or {}).get("num_units") or 0
                yield (
                    f'placement "{text}" specifies a unit greater than the {count} unit(s) '
                    "started by the target application"
                )
        elif placement.machine != "new" and placement.machine not in (
            document.get("machines") or {}
        ):
            yield f'placement "{text}" refers to a machine not defined in this bundle'


def _unused_machines(document: Document) -> Iterator[str]:
    placements = [
        _placement(text)
        for app in (document.get("applications") or {}).values()
        for text in (app or {}).get("to") or []
    ]
    used = {placement.machine for placement in placements if placement is not None}
    for name in sorted(document.get("machines") or {}):
        if name not in used:
            yield f'machine "{name}" is not referred to by a placement directive'


def _placement(text: str) -> Placement | None:
    try:
        return parse_placement(text)
    except BundleError:
        return None


def _relation_problems(document: Document) -> Iterator[str]:
    known = {**(document.get("applications") or {}), **(document.get("saas") or {})}
    seen: set[tuple[tuple[str, str], ...]] = set()
    for pair in document.get("relations") or []:
        pair = pair or []
        shown = "[" + " ".join(f'"{end}"' for end in pair) + "]"
        if len(pair) != 2:
            yield f"relation {shown} has {len(pair)} endpoint(s), not 2"
            continue
        ends: list[tuple[str, str]] = []
        for end in pair:
            found = _ENDPOINT.fullmatch(end or "")
            if found is None and not names.is_application(end or ""):
                yield f'invalid relation syntax "{end}"'
                continue
            application = found[1] if found else end
            if application not in known:
                yield (
                    f'relation {shown} refers to application "{application}" not defined in '
                    "this bundle"
                )
            ends.append((application, found[2] if found else ""))
        if len(ends) != 2:
            continue
        if ends[0][0] == ends[1][0]:
            yield f"relation {shown} relates an application to itself"
        key = tuple(sorted(ends))
        if key in seen:
            yield f"relation {shown} is defined more than once"
        seen.add(key)


def _constraint_problem(text: Any) -> str:
    try:
        constraints.parse(text or "")
    except JujuError as error:
        return str(error)
    return ""
