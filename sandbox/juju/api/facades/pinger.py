"""Pinger 1: a sign of life; the server closes no silent user connection."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session


def ping(session: Session, parameters: Fields) -> dict[str, Any]:
    """Ping, and Stop, which ends nothing."""
    return {}


_METHOD = Method(ping, Access.LOGIN)

FACADES = (Facade("Pinger", 1, {"Ping": _METHOD, "Stop": _METHOD}),)
