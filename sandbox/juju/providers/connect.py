"""From a model to the provider of its cloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.home import Home
from sandbox.juju import errors
from sandbox.juju.providers.localhost import LocalhostProvider
from sandbox.juju.providers.maas import MaasProvider
from sandbox.juju.providers.maas_client import MaasClient
from sandbox.juju.providers.openstack import OpenStackProvider
from sandbox.juju.providers.openstack_client import OpenStackClient
from sandbox.juju.providers.provider import AccessDenied, Provider, Refused
from sandbox.juju.state import clouds, machines, models, spaces
from sandbox.juju.state.store import Store, Transaction
from sandbox.juju.state.values import Cloud, Credential, Model


def connect(
    home: Home, store: Store, model: Model, cloud: Cloud, key: Credential | None
) -> Provider:
    """The provider of a model's cloud, with the model's credential.

    Raises:
        AccessDenied: the cloud needs a credential, and the model has none that can serve.
        Refused: nothing here drives clouds of this type.
    """
    if cloud.type == "maas":
        if key is None or not key.attributes.get("maas-oauth"):
            raise AccessDenied("cloud denied access: the model has no maas-oauth credential")
        endpoint = cloud.doc.get("endpoint") or ""
        certificates = cloud.doc.get("ca-certificates") or []
        return MaasProvider(
            MaasClient(endpoint, key.attributes["maas-oauth"], certificates), model.uuid
        )

    def address(machine: str) -> dict[str, Any]:
        with store.transaction() as tx:
            return own_address(tx, home, model.uuid, machine)

    if cloud.type == "openstack":
        return _openstack(store, model, cloud, key, address)
    if cloud.type in ("lxd", "localhost"):

        def known() -> list[str]:
            with store.transaction() as tx:
                return [m.instance_id for m in machines.all_machines(tx, model.uuid)]

        return LocalhostProvider(instance_prefix(model.uuid), known, address)
    raise Refused(f'cloud "{cloud.name}" is of type {cloud.type}, which starts no machines here')


def _openstack(
    store: Store,
    model: Model,
    cloud: Cloud,
    key: Credential | None,
    address: Callable[[str], dict[str, Any]],
) -> OpenStackProvider:
    if key is None:
        raise AccessDenied("cloud denied access: the model has no credential")
    regions = {region["name"]: region for region in cloud.doc.get("regions") or []}
    name = model.region or next(iter(regions), "")
    endpoint = regions.get(name, {}).get("endpoint") or cloud.doc.get("endpoint") or ""
    certificates = cloud.doc.get("ca-certificates") or []
    client = OpenStackClient(endpoint, name, key.auth_type, key.attributes, certificates)

    def settings() -> dict[str, Any]:
        with store.transaction() as tx:
            return models.get_config(tx, model.uuid)

    return OpenStackProvider(
        client,
        region=name,
        model=model.uuid,
        name=model.name,
        settings=settings,
        address=address,
    )


def credential_of(tx: Transaction, model: Model) -> Credential | None:
    """The credential of a model; None where it has none, or one that was removed."""
    if not model.credential:
        return None
    try:
        return clouds.get_credential(tx, *model.credential.split("/", 2))
    except errors.NotFound:
        return None


def instance_prefix(model: str) -> str:
    """How the names of a model's own instances and containers begin: juju-a1b2c3."""
    return f"juju-{model[-6:]}"


def own_address(tx: Transaction, home: Home, model: str, machine: str) -> dict[str, Any]:
    """The address that the controller itself gives a container or localhost machine."""
    value = home.container_address(machines.take_address_number(tx, model, machine))
    space = spaces.space_of(tx, model, value)
    subnets = next(s.subnets for s in spaces.all_spaces(tx, model) if s.name == space)
    return {
        "value": value,
        "type": "ipv4",
        "scope": "local-cloud",
        "space": space,
        "cidr": subnets[0]["cidr"] if subnets else str(home.network),
    }
