"""ModelConfig 3: the settings and constraints of the connection's model."""

from __future__ import annotations

import json
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session, model_row, server_version
from sandbox.juju.errors import JujuError, NotValid
from sandbox.juju.state import models, spaces
from sandbox.juju.state.store import Transaction

_KEYS = "authorized-keys"
_VERSION = "agent-version"


def model_get(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelGet: every setting with where it comes from; SSH keys have a facade of their own."""
    with session.store.transaction() as tx:
        model_row(tx, session.model)
        settings = models.get_config(tx, session.model)
        version = server_version(tx)
    shown: dict[str, Any] = {
        name: {"value": value, "source": _source(name, value)}
        for name, value in settings.items()
        if name != _KEYS
    }
    shown[_VERSION] = {"value": version, "source": "model"}
    shown["default-series"] = {"value": "", "source": "default"}
    return {"config": shown}


def model_set(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelSet."""
    changes = parameters.mapping("config")
    if _KEYS in changes:
        raise JujuError("authorized-keys cannot be set")
    with session.store.transaction() as tx:
        version = server_version(tx)
        if changes.get(_VERSION, version) != version:
            raise JujuError("agent-version cannot be changed")
        _check_default_space(tx, session.model, changes.get("default-space"))
        kept = {name: value for name, value in changes.items() if name != _VERSION}
        models.set_config(tx, session.model, kept)
    return {}


def model_unset(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelUnset: back to the default."""
    with session.store.transaction() as tx:
        models.set_config(tx, session.model, {}, unset=tuple(parameters.texts("keys")))
    return {}


def get_model_constraints(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetModelConstraints."""
    with session.store.transaction() as tx:
        return {"constraints": models.get(tx, session.model).constraints}


def set_model_constraints(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetModelConstraints: they replace the old ones."""
    wanted = constraints.checked(parameters.mapping("constraints"))
    with session.store.transaction() as tx:
        models.set_constraints(tx, session.model, wanted)
    return {}


def sequences(session: Session, parameters: Fields) -> dict[str, Any]:
    """Sequences: the next number of each."""
    with session.store.transaction() as tx:
        return {"sequences": json.loads(model_row(tx, session.model)["sequences_json"])}


def sla_level(session: Session, parameters: Fields) -> dict[str, Any]:
    """SLALevel: no model has one any more."""
    return {"result": "unsupported"}


def _source(name: str, value: Any) -> str:
    return "default" if name in models.DEFAULTS and models.DEFAULTS[name] == value else "model"


def _check_default_space(tx: Transaction, model: str, name: Any) -> None:
    if name is None or name == "":
        return
    if not isinstance(name, str):
        raise NotValid('"default-space" is not a string not valid')
    spaces.get(tx, model, name)


FACADES = (
    Facade(
        "ModelConfig",
        3,
        {
            "ModelGet": Method(model_get, Access.READ),
            "ModelSet": Method(model_set, Access.WRITE),
            "ModelUnset": Method(model_unset, Access.WRITE),
            "GetModelConstraints": Method(get_model_constraints, Access.READ),
            "SetModelConstraints": Method(set_model_constraints, Access.WRITE),
            "Sequences": Method(sequences, Access.READ),
            "SLALevel": Method(sla_level, Access.READ),
        },
    ),
)
