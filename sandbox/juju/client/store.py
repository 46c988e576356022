"""What a client remembers between commands, in Juju's own files (jujuclient/*.go).

The files live in $JUJU_DATA: controllers.yaml, accounts.yaml, models.yaml, clouds.yaml (clouds
added with --client), credentials.yaml. Other clients of the ecosystem read the same files, so
the formats are Juju's to the letter.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from sandbox.home import Home
from sandbox.juju.client.connection import Target
from sandbox.juju.client.errors import ClientError, NotRemembered
from sandbox.juju.client.facades import CLIENT_VERSION
from sandbox.juju.client.folder import note_version

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class KnownModel:
    """A model that the client knows: its qualified name (owner/name) and UUID."""

    name: str
    uuid: str
    type: str = "iaas"


class ClientStore:
    """The client's files in one folder; every change is atomic and under a lock."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    # Controllers

    def controllers(self) -> dict[str, dict[str, Any]]:
        """Every controller by name, as in controllers.yaml."""
        return self._read("controllers").get("controllers") or {}

    def controller(self, name: str) -> dict[str, Any]:
        """One controller.

        Raises:
            NotRemembered: there is none of that name.
        """
        try:
            return self.controllers()[name]
        except KeyError:
            raise NotRemembered(f"controller {name} not found") from None

    def current_controller(self) -> str:
        """The controller in focus; empty when there is none."""
        return self._read("controllers").get("current-controller") or ""

    def keep_cookies(self, controller: str) -> None:
        """Have the file of a controller's cookies: there are none, but clients look into it."""
        path = self.folder / "cookies" / f"{controller}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text("[]", encoding="utf-8")

    def keep_ssh_key(self) -> None:
        """Have a key pair of this client, which goes into the models that it adds."""
        path = self.folder / "ssh" / "juju_id_rsa"
        if path.exists():
            return
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        path.with_suffix(".pub").write_bytes(public + b" juju-client-key\n")

    def set_current_controller(self, name: str) -> None:
        """Put a controller in focus."""
        self.controller(name)
        with self._changing("controllers") as document:
            document["current-controller"] = name

    def update_controller(self, name: str, details: Mapping[str, Any]) -> None:
        """Add a controller, or replace what is known of it."""
        with self._changing("controllers") as document:
            document.setdefault("controllers", {})[name] = dict(details)

    # Accounts

    def account(self, controller: str) -> dict[str, Any]:
        """The account that the client uses on a controller: user, password, access.

        Raises:
            NotRemembered: the client is logged out of it.
        """
        account = (self._read("accounts").get("controllers") or {}).get(controller)
        if not account:
            raise NotRemembered(f"account details for controller {controller} not found")
        return account

    def update_account(self, controller: str, details: Mapping[str, Any]) -> None:
        """Remember the account to use on a controller."""
        with self._changing("accounts") as document:
            document.setdefault("controllers", {})[controller] = dict(details)

    # Models

    def models(self, controller: str) -> dict[str, KnownModel]:
        """The known models of a controller by qualified name."""
        entry = (self._read("models").get("controllers") or {}).get(controller) or {}
        return {
            name: KnownModel(name, details["uuid"], details.get("type", "iaas"))
            for name, details in (entry.get("models") or {}).items()
        }

    def current_model(self, controller: str) -> str:
        """The qualified name of the model in focus; empty when there is none."""
        entry = (self._read("models").get("controllers") or {}).get(controller) or {}
        return entry.get("current-model") or ""

    def set_current_model(self, controller: str, name: str) -> None:
        """Put a model in focus, or none with an empty name."""
        with self._changing("models") as document:
            entry = document.setdefault("controllers", {}).setdefault(controller, {"models": {}})
            if name:
                entry["current-model"] = name
            else:
                entry.pop("current-model", None)

    def set_models(self, controller: str, models: Mapping[str, KnownModel]) -> None:
        """Replace what is known of a controller's models; a model that is gone loses focus."""
        with self._changing("models") as document:
            entry = document.setdefault("controllers", {}).setdefault(controller, {})
            entry["models"] = {
                name: {"uuid": model.uuid, "type": model.type, "branch": "master"}
                for name, model in sorted(models.items())
            }
            if entry.get("current-model") not in entry["models"]:
                entry.pop("current-model", None)

    def update_model(self, controller: str, model: KnownModel) -> None:
        """Remember one model."""
        self.set_models(controller, {**self.models(controller), model.name: model})

    def remove_model(self, controller: str, name: str) -> None:
        """Forget one model."""
        models = self.models(controller)
        models.pop(name, None)
        self.set_models(controller, models)

    # Clouds and credentials kept on this client

    def clouds(self) -> dict[str, dict[str, Any]]:
        """The clouds added with --client, as in clouds.yaml."""
        return self._read("clouds").get("clouds") or {}

    def set_clouds(self, clouds: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the client's own clouds."""
        with self._changing("clouds") as document:
            document["clouds"] = {name: dict(cloud) for name, cloud in sorted(clouds.items())}

    def credentials(self) -> dict[str, dict[str, Any]]:
        """Cloud -> credential name -> attributes with auth-type, as in credentials.yaml."""
        return self._read("credentials").get("credentials") or {}

    def set_credentials(self, credentials: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace the client's own credentials."""
        with self._changing("credentials") as document:
            document["credentials"] = {
                cloud: dict(named) for cloud, named in sorted(credentials.items()) if named
            }

    # What a connection needs

    def target(self, controller: str, model: str = "") -> Target:
        """How to reach a controller, or one model of it by UUID.

        Raises:
            NotRemembered: the controller or the account on it is not known.
        """
        details, account = self.controller(controller), self.account(controller)
        password = account.get("password")
        if not password:
            raise ClientError(
                f"no password is stored for user {account.get('user')!r} on controller "
                f"{controller!r}: log in with a password"
            )
        return Target(
            tuple(details.get("api-endpoints") or ()),
            details.get("ca-cert") or "",
            account["user"],
            password,
            model,
        )

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / f"{name}.yaml"
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        try:
            document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
        except yaml.YAMLError as error:
            raise ClientError(f"cannot unmarshal {path}: {error}") from error
        return document or {}

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[dict[str, Any]]:
        """Read a file, let the caller change it, and put the new one in its place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            document = self._read(name)
            yield document
            path = self.folder / f"{name}.yaml"
            draft = path.with_suffix(f".yaml.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(
                yaml.safe_dump(document, default_flow_style=False, sort_keys=False),
                encoding="utf-8",
            )
            draft.replace(path)
        finally:
            os.close(descriptor)


def register(home: Home) -> None:
    """Make the sandbox's controller known to its client, from what the controller wrote.

    Raises:
        ClientError: the controller has not been started yet.
    """
    path = home.folder("juju") / "controller.json"
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ClientError(f"the controller has not written {path} yet: start it first") from None
    store = ClientStore(pathlib.Path(os.environ.get("JUJU_DATA") or home.folder("client")))
    name = written["name"]
    store.update_controller(
        name,
        {
            "uuid": written["uuid"],
            "api-endpoints": list(written["addresses"]),
            "ca-cert": written["ca_cert"],
            "cloud": "localhost",
            "type": "lxd",
            "agent-version": written.get("version", CLIENT_VERSION),
            "controller-machine-count": 1,
            "active-controller-machine-count": 1,
        },
    )
    account = {"user": written["user"], "password": written["password"]}
    store.update_account(name, {**account, "last-known-access": "superuser"})
    note_version(store.folder, written.get("version", CLIENT_VERSION))
    store.keep_cookies(name)
    store.keep_ssh_key()
    if not store.current_controller():
        store.set_current_controller(name)
