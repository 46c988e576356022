"""Charms from Charmhub: found in the sandbox's catalog, added to a model."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterable, Mapping

from sandbox.charmhub.catalog import Catalog, Resolved
from sandbox.home import Home
from sandbox.juju.api.charm_transfer import charm_folder
from sandbox.juju.api.parameters import Fields
from sandbox.juju.errors import JujuError, NotFound
from sandbox.juju.state import charms, values
from sandbox.juju.state.store import Transaction

_URL = re.compile(
    r"(?:ch:)?(?:(?P<arch>amd64|arm64|ppc64el|riscv64|s390x)/)?(?:(?P<series>[a-z]+)/)?"
    r"(?P<name>[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*)(?:-(?P<revision>[0-9]+))?"
)
SERIES = {"20.04": "focal", "22.04": "jammy", "24.04": "noble", "26.04": "resolute"}
"""Names of Ubuntu's releases by number, as old clients ask for them."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """What a charm's URL names; the series of old URLs means nothing any more."""

    name: str
    revision: int | None
    architecture: str


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a client wants a charm from (params.CharmOrigin)."""

    source: str
    channel: str
    base: str
    revision: int | None
    architecture: str


def parse_reference(url: str) -> Reference:
    """Read a Charmhub charm's name or URL.

    Raises:
        JujuError: it is neither.
    """
    if ":" in url and not url.startswith("ch:"):
        raise JujuError(f'unknown schema for charm URL "{url}"')
    match = _URL.fullmatch(url)
    if match is None:
        raise JujuError(f'cannot parse name and/or revision in URL "{url}": name is not valid')
    revision = match["revision"]
    return Reference(match["name"], int(revision) if revision else None, match["arch"] or "amd64")


def parse_origin(fields: Fields) -> Origin:
    """Read params.CharmOrigin; channel and base are empty where they are not given."""
    track, risk, branch = (fields.text(part) for part in ("track", "risk", "branch"))
    if track and not risk:
        risk = "stable"
    base = fields.fields("base")
    channel = base.text("channel")
    if channel and "/" not in channel:
        channel = f"{channel}/stable"
    return Origin(
        source=fields.text("source"),
        channel="/".join(part for part in (track, risk, branch) if part),
        base=f"{base.text('name')}@{channel}" if base.text("name") and channel else "",
        revision=fields.optional_number("revision"),
        architecture=fields.text("architecture") or "amd64",
    )


def check_origin(fields: Fields) -> Origin:
    """The origin of a charm that is to be deployed.

    Raises:
        JujuError: it names no source that Juju knows.
    """
    origin = parse_origin(fields)
    if not origin.source and not fields.has("source"):
        raise JujuError("charm origin source required", code="bad request")
    if origin.source not in ("local", "charm-hub"):
        raise JujuError(f'"{origin.source}" not a valid charm origin source', code="bad request")
    return origin


def resolve(
    home: Home, name: str, channel: str = "", base: str = "", revision: int | None = None
) -> Resolved:
    """The revision that Charmhub has for these; any of them may be left open.

    Raises:
        NotFound: no such charm, channel, base or revision.
    """
    try:
        return Catalog(home).resolve(
            name, channel=channel or None, base=base or None, revision=revision
        )
    except LookupError as error:
        raise NotFound(str(error.args[0] if error.args else error)) from None


def newer(
    home: Home, applications: Iterable[values.Application], known: Mapping[str, values.Charm]
) -> dict[str, str]:
    """Application -> URL of the newer charm that its channel has, for those that have one.

    Juju asks Charmhub once a day and shows what it was told; here it is always the news.
    """
    catalog, found = Catalog(home), {}
    for application in applications:
        charm = known[application.charm_url]
        if charm.source != "charm-hub":
            continue
        try:
            head = catalog.resolve(charm.name, application.channel, application.base)
        except LookupError:
            continue
        if head.revision > charm.revision:
            reference = parse_reference(charm.url)
            found[application.name] = charms.hub_url(
                charm.name, head.revision, architecture=reference.architecture
            )
    return found


def add(
    tx: Transaction, home: Home, model: str, name: str, revision: int, architecture: str
) -> values.Charm:
    """Let a model know a charm of Charmhub, with its archive."""
    url = charms.hub_url(name, revision, architecture=architecture)
    return charms.add_from_hub(tx, model, url, archive(home, name, revision), charm_folder(home))


def archive(home: Home, name: str, revision: int) -> pathlib.Path:
    """The packed charm of a revision.

    Raises:
        NotFound: there is no such charm or revision.
    """
    try:
        return Catalog(home).archive(name, revision)
    except LookupError as error:
        raise NotFound(str(error.args[0] if error.args else error)) from None


def known_charm(tx: Transaction, model: str, url: str) -> values.Charm:
    """A charm that the model knows, by a URL of any age.

    Raises:
        NotFound: it does not know it.
    """
    if not url.startswith("ch:"):
        return charms.get(tx, model, url)
    reference = parse_reference(url)
    if reference.revision is None:
        raise NotFound(f'charm "{url}" not found')
    own = charms.hub_url(reference.name, reference.revision, architecture=reference.architecture)
    return charms.get(tx, model, own)
