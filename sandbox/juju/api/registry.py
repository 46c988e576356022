"""The table of facades: name, version and method, with what each asks of the caller."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.juju.api import framing
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError
from sandbox.juju.release import DEFAULT, Release

Handler = Callable[[Session, Fields], Any]
"""Serves one method: returns the response's body, or an awaitable of it."""


@dataclasses.dataclass(frozen=True)
class Method:
    """One method of a facade."""

    serve: Handler
    access: Access


@dataclasses.dataclass(frozen=True)
class Facade:
    """One version of a facade and the methods that it serves."""

    name: str
    version: int
    methods: Mapping[str, Method]


CONTROLLER_ONLY = frozenset(
    [
        "AllModelWatcher",
        "ApplicationOffers",
        "Cloud",
        "Controller",
        "ModelManager",
        "ModelSummaryWatcher",
        "ModelUpgrader",
        "SecretBackends",
        "UserManager",
    ]
)
"""Facades of a controller connection (apiserver/restrict_controller.go)."""

COMMON = frozenset(["Bundle", "HighAvailability", "ModelConfig", "NotifyWatcher", "Pinger"])
"""Facades that both kinds of connection serve."""


class Registry:
    """Every facade that the controller serves, as one release of Juju has them."""

    def __init__(self, facades: Iterable[Facade], release: Release = DEFAULT) -> None:
        self._facades: dict[str, dict[int, Facade]] = {}
        self._missing = release.missing
        for facade in facades:
            if not release.serves(facade.name, facade.version):
                continue
            self._facades.setdefault(facade.name, {})[facade.version] = facade

    def describe(self, *, controller_connection: bool) -> list[dict[str, Any]]:
        """params.FacadeVersions of the facades that a connection of this kind may call."""
        return [
            {"name": name, "versions": sorted(versions)}
            for name, versions in sorted(self._facades.items())
            if _serves(name, controller_connection)
        ]

    def method(
        self, name: str, version: int, method: str, *, controller_connection: bool
    ) -> Method:
        """What serves this call.

        Raises:
            JujuError: there is no such facade, version or method on this kind of connection.
        """
        if not _serves(name, controller_connection):
            kind = "controller" if controller_connection else "model"
            raise JujuError(
                f'facade "{name}" not supported for {kind} API connection', code="not supported"
            )
        versions = self._facades.get(name)
        if versions is None:
            raise framing.unknown_facade(name)
        facade = versions.get(version)
        if facade is None:
            raise framing.unknown_version(name, version)
        found = facade.methods.get(method)
        if found is None or (name, method) in self._missing:
            raise framing.unknown_method(name, version, method)
        return found


def _serves(name: str, controller_connection: bool) -> bool:
    if controller_connection:
        return name in CONTROLLER_ONLY or name in COMMON
    return name not in CONTROLLER_ONLY
