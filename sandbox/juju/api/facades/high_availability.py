"""HighAvailability 2: the sandbox has one controller and stays so."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import NotSupported


def enable_ha(session: Session, parameters: Fields) -> dict[str, Any]:
    """EnableHA."""
    raise NotSupported("high availability of the sandbox's controller not supported")


FACADES = (Facade("HighAvailability", 2, {"EnableHA": Method(enable_ha, Access.SUPERUSER)}),)
