"""A bundle, merged and ready to be verified and planned."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.merge import merged
from sandbox.juju.bundles.placement import Placement, parse_placement
from sandbox.juju.bundles.source import Document, Source, read_source

Texts = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Offer:
    """Endpoints of an application offered to other models, and who may use them."""

    endpoints: tuple[str, ...]
    acl: Texts = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Exposure:
    """From where an endpoint's ports may be reached."""

    spaces: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()

    @property
    def wire(self) -> dict[str, list[str]]:
        """The exposure as the API takes it."""
        return {"expose-to-spaces": list(self.spaces), "expose-to-cidrs": list(self.cidrs)}


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine that the bundle declares for its placements."""

    constraints: str = ""
    base: str = ""
    series: str = ""
    annotations: Texts = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Application:
    """One application of a bundle."""

    charm: str
    """A charm's name or URL, or the absolute path of a packed charm."""
    channel: str = ""
    revision: int | None = None
    base: str = ""
    series: str = ""
    units: int = 0
    to: tuple[str, ...] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    annotations: Texts = dataclasses.field(default_factory=dict)
    constraints: str = ""
    storage: Texts = dataclasses.field(default_factory=dict)
    devices: Texts = dataclasses.field(default_factory=dict)
    bindings: Texts = dataclasses.field(default_factory=dict)
    resources: Mapping[str, int | str] = dataclasses.field(default_factory=dict)
    expose: bool = False
    exposed_endpoints: Mapping[str, Exposure] = dataclasses.field(default_factory=dict)
    offers: Mapping[str, Offer] = dataclasses.field(default_factory=dict)
    trust: bool = False

    @property
    def is_local(self) -> bool:
        """Whether the charm is a file or a charm uploaded before, not one of Charmhub."""
        return self.charm.startswith((".", "/", "local:"))

    @property
    def wants_exposure(self) -> bool:
        """Whether the application is to be exposed at all."""
        return self.expose or bool(self.exposed_endpoints)

    @property
    def needs_trust(self) -> bool:
        """Whether the operator must consent to give it the cloud's credential."""
        return self.trust or self.options.get("trust") is True

    @property
    def placements(self) -> tuple[Placement, ...]:
        """The parsed directives of `to`."""
        return tuple(parse_placement(text) for text in self.to)


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What is to be in the model."""

    applications: Mapping[str, Application]
    machines: Mapping[str, Machine] = dataclasses.field(default_factory=dict)
    relations: tuple[tuple[str, ...], ...] = ()
    saas: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Remote applications: name -> URL of the offer."""
    type: str = ""
    default_base: str = ""
    series: str = ""


def read_bundle(path: pathlib.Path, overlays: Sequence[pathlib.Path] = ()) -> Document:
    """The merged document of a bundle file and overlay files.

    Raises:
        NotABundle: a file is not there or is something else.
        BundleError: the files cannot be understood or merged.
    """
    return merged(read_sources(path, overlays))


def read_sources(path: pathlib.Path, overlays: Sequence[pathlib.Path]) -> list[Source]:
    """A bundle file and its overlay files, in the order in which they merge.

    Raises:
        NotABundle: the bundle itself is not there or is something else.
        BundleError: an overlay is, or one of them cannot be understood.
    """
    sources = [read_source(path)]
    try:
        sources += [read_source(overlay) for overlay in overlays]
    except BundleError as error:
        raise BundleError(f"unable to process overlays: {error}") from error
    return sources


def bundle_of(document: Document) -> Bundle:
    """The bundle that a merged and verified document describes."""
    return Bundle(
        applications={
            name: _application(spec) for name, spec in (document.get("applications") or {}).items()
        },
        machines={
            name: _machine(spec or {}) for name, spec in (document.get("machines") or {}).items()
        },
        relations=tuple(tuple(pair) for pair in document.get("relations") or []),
        saas={
            name: (spec or {}).get("url") or ""
            for name, spec in (document.get("saas") or {}).items()
        },
        type=document.get("bundle") or "",
        default_base=document.get("default-base") or "",
        series=document.get("series") or "",
    )


def _machine(spec: Document) -> Machine:
    return Machine(
        spec.get("constraints") or "",
        spec.get("base") or "",
        spec.get("series") or "",
        spec.get("annotations") or {},
    )


def _application(spec: Document) -> Application:
    return Application(
        charm=spec.get("charm") or "",
        channel=spec.get("channel") or "",
        revision=spec.get("revision"),
        base=spec.get("base") or "",
        series=spec.get("series") or "",
        units=spec.get("num_units") or 0,
        to=tuple(spec.get("to") or ()),
        options=spec.get("options") or {},
        annotations=spec.get("annotations") or {},
        constraints=spec.get("constraints") or "",
        storage=spec.get("storage") or {},
        devices=spec.get("devices") or {},
        bindings=spec.get("bindings") or {},
        resources=spec.get("resources") or {},
        expose=bool(spec.get("expose")),
        exposed_endpoints={
            name: Exposure(
                tuple((item or {}).get("expose-to-spaces") or ()),
                tuple((item or {}).get("expose-to-cidrs") or ()),
            )
            for name, item in (spec.get("exposed-endpoints") or {}).items()
        },
        offers={
            name: Offer(tuple(item.get("endpoints") or ()), item.get("acl") or {})
            for name, item in (spec.get("offers") or {}).items()
        },
        trust=bool(spec.get("trust")),
    )
