"""The cluster's own bundle: Charmed Kubernetes with its network, rendered from templates."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import jinja2
import yaml
from cluster import Cluster

_TEMPLATES = pathlib.Path(__file__).parent / "templates"


@dataclasses.dataclass(frozen=True)
class Application:
    """One application of the bundle."""

    name: str
    charm: str
    channel: str
    base: str
    units: int
    """0 of a subordinate."""
    constraints: Mapping[str, str]
    options: Mapping[str, Any]
    exposed: bool
    trusted: bool
    """May read the model's credential."""


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Applications by name, and relations; both in order."""

    applications: tuple[Application, ...]
    relations: tuple[tuple[str, str], ...]
    """Pairs of application:endpoint."""


def render(cluster: Cluster) -> str:
    """The bundle as text, the same for the same cluster; `juju deploy` takes it as it is.

    Raises:
        jinja2.UndefinedError: a template names what a cluster does not have.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - it is YAML, and every value is written as JSON
        keep_trailing_newline=True,
    )
    # YAML does not know JSON's pairs of escapes for characters beyond 16 bits.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return environment.get_template(f"{cluster.cni}.yaml.j2").render(dataclasses.asdict(cluster))


def parse(text: str) -> Bundle:
    """What a rendered bundle says."""
    document = yaml.safe_load(text)
    applications = (
        _application(name, described, document["default-base"])
        for name, described in sorted(document["applications"].items())
    )
    relations = sorted((one, other) for one, other in document["relations"])
    return Bundle(tuple(applications), tuple(relations))


def _application(name: str, described: Mapping[str, Any], base: str) -> Application:
    constraints = [pair.split("=", 1) for pair in described.get("constraints", "").split()]
    return Application(
        name,
        charm=described["charm"],
        channel=described["channel"],
        base=base,
        units=described.get("num_units", 0),
        constraints=dict(constraints),
        options=described.get("options", {}),
        exposed=described.get("expose", False),
        trusted=described.get("trust", False),
    )
