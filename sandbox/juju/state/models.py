"""Models: made, found, configured, and their sequences of numbers."""

from __future__ import annotations

import json
import re
import uuid as uuids
from collections.abc import Mapping
from typing import Any

from sandbox.juju import clock, errors
from sandbox.juju.state import clouds, statuses
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Model

_NAME = re.compile(r"[a-z0-9]+[a-z0-9-]*\Z")

# Juju 3.6's defaults (environs/config/config.go). Those without a default are absent.
DEFAULTS: Mapping[str, Any] = {
    "agent-metadata-url": "",
    "agent-stream": "released",
    "apt-ftp-proxy": "",
    "apt-http-proxy": "",
    "apt-https-proxy": "",
    "apt-mirror": "",
    "apt-no-proxy": "",
    "automatically-retry-hooks": True,
    "backup-dir": "",
    "charmhub-url": "https://api.charmhub.io",
    "cloudinit-userdata": "",
    "container-image-metadata-defaults-disabled": False,
    "container-image-metadata-url": "",
    "container-image-stream": "released",
    "container-inherit-properties": "",
    "container-networking-method": "",
    "default-base": "",
    "default-space": "",
    "development": False,
    "disable-network-management": False,
    "disable-telemetry": False,
    "egress-subnets": "",
    "enable-os-refresh-update": True,
    "enable-os-upgrade": True,
    "fan-config": "",
    "firewall-mode": "instance",
    "ftp-proxy": "",
    "http-proxy": "",
    "https-proxy": "",
    "ignore-machine-addresses": False,
    "image-metadata-defaults-disabled": False,
    "image-metadata-url": "",
    "image-stream": "released",
    "juju-ftp-proxy": "",
    "juju-http-proxy": "",
    "juju-https-proxy": "",
    "juju-no-proxy": "127.0.0.1,localhost,::1",
    "logforward-enabled": False,
    "logging-config": "<root>=INFO",
    "logging-output": "",
    "lxd-snap-channel": "5.0/stable",
    "max-action-results-age": "336h",
    "max-action-results-size": "5G",
    "max-status-history-age": "336h",
    "max-status-history-size": "5G",
    "mode": "requires-prompts",
    "net-bond-reconfigure-delay": 17,
    "no-proxy": "127.0.0.1,localhost,::1",
    "num-container-provision-workers": 4,
    "num-provision-workers": 16,
    "provisioner-harvest-mode": "destroyed",
    "proxy-ssh": False,
    "resource-tags": "",
    "saas-ingress-allow": "0.0.0.0/0,::/0",
    "secret-backend": "auto",
    "snap-http-proxy": "",
    "snap-https-proxy": "",
    "snap-store-assertions": "",
    "snap-store-proxy": "",
    "snap-store-proxy-url": "",
    "ssh-allow": "0.0.0.0/0,::/0",
    "ssl-hostname-verification": True,
    "test-mode": False,
    "transmit-vendor-metrics": True,
    "update-status-hook-interval": "5m",
}

_IMMUTABLE = ("name", "type", "uuid")


def add_model(
    tx: Transaction,
    name: str,
    owner: str,
    cloud: str,
    *,
    region: str = "",
    credential: str = "",
    config: Mapping[str, Any] | None = None,
    uuid: str | None = None,
) -> Model:
    """Add a model; `credential` is cloud/owner/name, or empty where the cloud needs none.

    Raises:
        NotValid: the name is not a model name.
        AlreadyExists: the owner has a model of that name.
        NotFound: no such cloud, region or credential.
    """
    if not _NAME.match(name):
        raise errors.NotValid(
            f'"{name}" is not a valid name: model names may only contain lowercase letters,'
            " digits and hyphens"
        )
    if tx.one("SELECT 1 FROM models WHERE owner = ? AND name = ?", owner, name):
        raise errors.AlreadyExists(f'model "{name}" for {owner} already exists')
    regions = [r["name"] for r in clouds.get(tx, cloud).doc.get("regions") or []]
    if region and regions and region not in regions:
        known = json.dumps(sorted(regions)).replace(",", "")
        raise errors.NotFound(f'region "{region}" not found (expected one of {known})')
    if credential:
        clouds.get_credential(tx, *credential.split("/", 2))
    model = uuid or str(uuids.uuid4())
    tx.insert(
        "models",
        uuid=model,
        name=name,
        owner=owner,
        cloud=cloud,
        region=region or next(iter(regions), ""),
        credential=credential,
        config_json=dict(config or {}),
        access_json={owner: "admin"},
        created=clock.stamp(),
    )
    tx.insert("spaces", model=model, name="alpha", id="0")
    statuses.set_status(tx, model, "model", "", "available")
    tx.touch("model", model)
    return get(tx, model)


def get(tx: Transaction, uuid: str) -> Model:
    """A model by UUID; NotFound if there is none."""
    row = tx.one("SELECT * FROM models WHERE uuid = ?", uuid)
    if row is None:
        raise errors.NotFound(f'model "{uuid}" not found')
    return Model.from_row(row)


def find(tx: Transaction, owner: str, name: str) -> Model:
    """A model by owner and name; NotFound if there is none."""
    row = tx.one("SELECT * FROM models WHERE owner = ? AND name = ?", owner, name)
    if row is None:
        raise errors.NotFound(f'model "{owner}/{name}" not found')
    return Model.from_row(row)


def all_models(tx: Transaction) -> list[Model]:
    """Every model, oldest first."""
    return [Model.from_row(row) for row in tx.all("SELECT * FROM models ORDER BY created, uuid")]


def alive(tx: Transaction, uuid: str) -> Model:
    """A model that may be added to; a dying one refuses as Juju does."""
    model = get(tx, uuid)
    if model.life != "alive":
        raise errors.JujuError("model is no longer alive")
    return model


def next_number(tx: Transaction, model: str, sequence: str) -> int:
    """The next number of one of the model's sequences, from 0; none is given twice."""
    sequences = json.loads(tx.value("SELECT sequences_json FROM models WHERE uuid = ?", model))
    number = sequences.get(sequence, 0)
    sequences[sequence] = number + 1
    tx.update("models", {"uuid": model}, sequences_json=sequences)
    return number


def raise_number(tx: Transaction, model: str, sequence: str, least: int) -> None:
    """Let a sequence go on from `least` at the earliest."""
    sequences = json.loads(tx.value("SELECT sequences_json FROM models WHERE uuid = ?", model))
    sequences[sequence] = max(sequences.get(sequence, 0), least)
    tx.update("models", {"uuid": model}, sequences_json=sequences)


def get_config(tx: Transaction, uuid: str) -> dict[str, Any]:
    """Every setting of the model: what was set, defaults for the rest, and its identity."""
    model = get(tx, uuid)
    identity = {
        "name": model.name,
        "type": clouds.get(tx, model.cloud).type,
        "uuid": model.uuid,
    }
    return {**DEFAULTS, **model.config, **identity}


def set_config(
    tx: Transaction, uuid: str, changes: Mapping[str, Any], unset: tuple[str, ...] = ()
) -> None:
    """Change settings of the model; a value's text takes the type of its default.

    Raises:
        NotValid: a value of the wrong type, or a setting that never changes.
    """
    model = get(tx, uuid)
    for name in (*changes, *unset):
        if name in _IMMUTABLE:
            raise errors.NotValid(f"cannot change {name} of a model")
    updates = {name: _coerced(name, value) for name, value in changes.items()}
    merged = {**model.config, **updates}
    kept = {name: value for name, value in merged.items() if name not in unset}
    tx.update("models", {"uuid": uuid}, config_json=kept)
    tx.touch("model", uuid)


def set_constraints(tx: Transaction, uuid: str, constraints: dict[str, Any]) -> None:
    """Replace the model's constraints."""
    tx.update("models", {"uuid": uuid}, constraints_json=constraints)
    tx.touch("model", uuid)


def set_access(tx: Transaction, uuid: str, user: str, access: str | None) -> None:
    """Let a user read, write or admin the model; None takes the access away."""
    model = get(tx, uuid)
    kept = {name: level for name, level in model.access.items() if name != user}
    if access is not None:
        kept[user] = access
    tx.update("models", {"uuid": uuid}, access_json=kept)
    tx.touch("model", uuid)


def set_credential(tx: Transaction, uuid: str, credential: str) -> None:
    """Let the model use another credential of its cloud (cloud/owner/name)."""
    clouds.get_credential(tx, *credential.split("/", 2))
    tx.update("models", {"uuid": uuid}, credential=credential)
    tx.touch("model", uuid)


def _coerced(name: str, value: Any) -> Any:
    default = DEFAULTS.get(name)
    if isinstance(default, bool):
        if str(value).lower() not in ("true", "false"):
            raise errors.NotValid(f'{name}: expected bool, got {type(value).__name__}("{value}")')
        return str(value).lower() == "true"
    if isinstance(default, int):
        try:
            return int(value)
        except ValueError:
            raise errors.NotValid(
                f'{name}: expected number, got {type(value).__name__}("{value}")'
            ) from None
    return value
