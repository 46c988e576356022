"""The plan of a bundle as the changes that GetChangesMapArgs tells (core/bundle/changes)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.juju.bundles import changes
from sandbox.juju.bundles.bundle import bundle_of
from sandbox.juju.bundles.changes import Change
from sandbox.juju.bundles.errors import BundleError, InvalidBundle
from sandbox.juju.bundles.merge import merged
from sandbox.juju.bundles.model_state import ModelState
from sandbox.juju.bundles.plan import Request, plan
from sandbox.juju.bundles.source import Source, parse_parts
from sandbox.juju.bundles.verify import verify
from sandbox.juju.errors import JujuError

Arguments = dict[str, Any]


def planned(text: str) -> dict[str, Any]:
    """params.BundleChangesMapArgsResults of a bundle for an empty model.

    A bundle that can be read but contradicts itself answers with its errors; its documents
    after the first are overlays. Relative paths of charms stay as they are: only the client
    can read them.

    Raises:
        JujuError: the text is no bundle at all.
    """
    nowhere = pathlib.Path("/")
    try:
        source = Source(parse_parts(text), nowhere)
        document = merged([source])
        verify(document, nowhere)
        found = plan(Request(bundle_of(document), ModelState()))
    except InvalidBundle as error:
        return {"errors": list(error.problems)}
    except BundleError as error:
        raise JujuError(f"cannot read bundle YAML: {error}") from None
    return {
        "changes": [_document(change) for change in found],
        "errors": ["" for _ in found],
    }


def _document(change: Change) -> dict[str, Any]:
    method, arguments = _METHODS[type(change)]
    told = {name: value for name, value in arguments(change).items() if value}
    return {
        "id": change.id,
        "method": method,
        "args": told,
        "requires": list(change.requires),
    }


def _add_charm(change: changes.AddCharm) -> Arguments:
    return {
        "charm": change.charm,
        "revision": change.revision,
        "base": change.base,
        "channel": change.channel,
        "architecture": change.architecture,
    }


def _deploy(change: changes.Deploy) -> Arguments:
    return {
        "charm": change.charm,
        "base": change.base,
        "application": change.application,
        "num-units": change.units,
        "options": dict(change.options),
        "constraints": change.constraints,
        "storage": dict(change.storage),
        "devices": dict(change.devices),
        "endpoint-bindings": dict(change.bindings),
        **_resources(change.resources),
        "channel": change.channel,
    }


def _upgrade(change: changes.UpgradeCharm) -> Arguments:
    return {
        "charm": change.charm,
        "application": change.application,
        "base": change.base,
        **_resources(change.resources),
        "channel": change.channel,
    }


def _resources(given: Mapping[str, int | str]) -> Arguments:
    """Revisions of the store apart from files of the client."""
    return {
        "resources": {n: found for n, found in given.items() if isinstance(found, int)},
        "local-resources": {n: found for n, found in given.items() if isinstance(found, str)},
    }


def _expose(change: changes.Expose) -> Arguments:
    return {
        "application": change.application,
        "exposed-endpoints": {n: to.wire for n, to in change.endpoints.items()},
    }


def _add_machine(change: changes.AddMachine) -> Arguments:
    return {
        "base": change.base,
        "constraints": change.constraints,
        "container-type": change.container,
        "parent-id": change.host,
    }


_METHODS: Mapping[type[Change], tuple[str, Callable[[Any], Arguments]]] = {
    changes.AddCharm: ("addCharm", _add_charm),
    changes.Deploy: ("deploy", _deploy),
    changes.UpgradeCharm: ("upgradeCharm", _upgrade),
    changes.SetOptions: (
        "setOptions",
        lambda c: {"application": c.application, "options": dict(c.options)},
    ),
    changes.SetConstraints: (
        "setConstraints",
        lambda c: {"application": c.application, "constraints": c.constraints},
    ),
    changes.Expose: ("expose", _expose),
    changes.SetAnnotations: (
        "setAnnotations",
        lambda c: {"id": c.entity, "entity-type": c.kind, "annotations": dict(c.annotations)},
    ),
    changes.AddMachine: ("addMachines", _add_machine),
    changes.AddUnit: ("addUnit", lambda c: {"application": c.application, "to": c.to}),
    changes.AddRelation: (
        "addRelation",
        lambda c: {"endpoint1": c.endpoint1, "endpoint2": c.endpoint2},
    ),
    changes.ConsumeOffer: (
        "consumeOffer",
        lambda c: {"url": c.url, "application-name": c.application},
    ),
    changes.CreateOffer: (
        "createOffer",
        lambda c: {
            "application": c.application,
            "endpoints": list(c.endpoints),
            "offer-name": c.offer,
            "update": c.update,
        },
    ),
    changes.GrantOffer: (
        "grantOfferAccess",
        lambda c: {"user": c.user, "access": c.access, "offer": c.offer},
    ),
}
