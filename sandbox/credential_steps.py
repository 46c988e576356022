"""The steps of `sandbox up` that give charms what they log in with, as user secrets."""

from __future__ import annotations

import json
import pathlib
import secrets

from .authority import Authority
from .client import Juju
from .home import Home
from .region import Region

COORDINATOR = "openstack-coordinator"
CLUSTER = "k8s-on-openstack"


def maas_key(home: Home) -> str:
    """The API key of MAAS's administrator."""
    return _maas_key_file(home).read_text(encoding="ascii").strip()


def hand_out(home: Home, juju: Juju, controller: str, region: Region) -> None:
    """Give maas-bmc its MAAS key, and the coordinator its Juju account.

    The account is the coordinator's own: an administrator of its model, for Juju lets nobody else
    run commands on machines (apiserver/facades/client/action), and no more.

    Raises:
        client.JujuFailed: Juju refused a command.
    """
    secret = _grant(juju, "maas-credentials", "maas-bmc", f"api-key#file={_maas_key_file(home)}")
    certificate = Authority(home.folder("ca")).certificate
    juju(
        "config",
        "maas-bmc",
        f"maas-url={region.url}",
        f"ca-bundle=@{certificate}",
        f"maas-credentials={secret}",
    )
    password = _account(home, juju, controller, COORDINATOR)
    model = juju.json("show-model")
    name = next(iter(model))
    if COORDINATOR not in model[name]["users"]:
        juju("grant", COORDINATOR, "admin", f"{controller}:{name}")
    content = _login(home, COORDINATOR, password)
    secret = _grant(juju, "juju-credentials", COORDINATOR, *content)
    juju("config", COORDINATOR, f"juju-credentials={secret}")


def cluster_login(home: Home, juju: Juju, controller: str) -> str:
    """The URI of a secret with a Juju account of the cluster's own, granted to its application.

    Only a superuser may add clouds to a controller (apiserver/facades/client/cloud), and each
    cluster is on a cloud of its own.

    Raises:
        client.JujuFailed: Juju refused a command.
    """
    password = _account(home, juju, controller, CLUSTER)
    users = juju.json("users", "--controller", controller)
    access = {user["user-name"]: user["access"] for user in users}
    if access[CLUSTER] != "superuser":
        juju("grant", CLUSTER, "superuser", "--controller", controller)
    content = _login(home, CLUSTER, password)
    return _grant(juju, "cluster-juju-credentials", CLUSTER, *content)


def _account(home: Home, juju: Juju, controller: str, user: str) -> pathlib.Path:
    """The file of the password of a Juju user, who is added when there is none."""
    file = home.folder("run") / f"{user}-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24), encoding="ascii")
    users = {known["user-name"] for known in juju.json("users", "--controller", controller)}
    if user not in users:
        juju("add-user", user, "--controller", controller)
    password = file.read_text(encoding="ascii")
    juju(
        "change-user-password",
        user,
        "--no-prompt",
        "--controller",
        controller,
        stdin=f"{password}\n",
    )
    return file


def _login(home: Home, user: str, password: pathlib.Path) -> tuple[str, ...]:
    return (
        f"username={user}",
        f"password#file={password}",
        f"ca-cert#file={_controller_ca(home)}",
    )


def _grant(juju: Juju, name: str, application: str, *content: str) -> str:
    """The URI of a user secret, added when there is none of that name, for one application."""
    listed = juju.json("secrets").items()
    found = [identity for identity, secret in listed if secret.get("name") == name]
    uri = f"secret:{found[0]}" if found else juju("add-secret", name, *content).strip()
    juju("grant-secret", name, application)
    return uri


def _maas_key_file(home: Home) -> pathlib.Path:
    return home.folder("maas") / "admin-key"


def _controller_ca(home: Home) -> pathlib.Path:
    described = json.loads((home.folder("juju") / "controller.json").read_text(encoding="utf-8"))
    file = home.folder("run") / "controller-ca.pem"
    file.write_text(described["ca_cert"], encoding="ascii")
    return file
