"""Which controller and model a command means, and the connections to them."""

from __future__ import annotations

import os

from sandbox.juju.client.connection import Connection
from sandbox.juju.client.errors import ClientError, NotRemembered
from sandbox.juju.client.folder import data_folder
from sandbox.juju.client.store import ClientStore, KnownModel

_NO_MODEL = """No model in focus.

Please use "juju models" to see models available to you.
You can set current model by running "juju switch"
or specify any other model on the command line using the "-m" option.
"""
_NO_CONTROLLERS = """No controllers registered.

Please either create a new controller using "juju bootstrap" or connect to
another controller that you have been given access to using "juju register".
"""
_NO_CURRENT = """No selected controller.

Please use "juju switch" to select a controller.
"""


def split_model(text: str) -> tuple[str, str]:
    """`controller:owner/model`, `controller:` or `model` as controller and model."""
    controller, colon, model = text.partition(":")
    return (controller, model) if colon else ("", text)


def unqualified(name: str) -> str:
    """A model's name without its owner."""
    return name.rpartition("/")[2]


class Session:
    """The client store, what is in focus, and connections opened when they are first needed.

    The order of choice is Juju's (cmd/modelcmd): -m, -c, then JUJU_MODEL and JUJU_CONTROLLER,
    then the controller and model that `juju switch` chose.
    """

    def __init__(self, model: str = "", controller: str = "") -> None:
        self.store = ClientStore(data_folder())
        named = model or os.environ.get("JUJU_MODEL", "")
        self._named_controller, self._named_model = split_model(named)
        if controller:
            self._named_controller = controller
        self._open: dict[str, Connection] = {}

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open.values():
            connection.close()

    @property
    def controller(self) -> str:
        """The controller's name.

        Raises:
            ClientError: none is known, or none is in focus.
        """
        name = (
            self._named_controller
            or os.environ.get("JUJU_CONTROLLER", "")
            or self.store.current_controller()
        )
        if not name:
            raise ClientError(_NO_CURRENT if self.store.controllers() else _NO_CONTROLLERS)
        self.store.controller(name)
        return name

    @property
    def user(self) -> str:
        """The account's user name on the controller."""
        return self.store.account(self.controller)["user"]

    def qualified(self, name: str) -> str:
        """A model's name with its owner, this user when none is given."""
        return name if "/" in name else f"{self.user}/{name}"

    @property
    def model_name(self) -> str:
        """The qualified name of the model.

        Raises:
            ClientError: no model is named or in focus, or it is not there.
        """
        return self.model().name

    def model(self) -> KnownModel:
        """The model that the command means, asking the controller when the client's list is old.

        Raises:
            ClientError: no model is named or in focus.
            NotRemembered: the controller has no such model.
        """
        controller = self.controller
        name = self._named_model or self.store.current_model(controller)
        if not name:
            raise ClientError(_NO_MODEL)
        return self.find_model(name)

    def find_model(self, name: str) -> KnownModel:
        """A model by name, qualified name, UUID or the beginning of a UUID.

        Raises:
            NotRemembered: the controller has no such model.
        """
        found = self._known(name)
        if found is None:
            self.refresh_models()
            found = self._known(name)
        if found is None:
            raise NotRemembered(f"model {self.controller}:{self.qualified(name)} not found")
        return found

    def refresh_models(self) -> dict[str, KnownModel]:
        """Ask the controller for the models of this user and remember them."""
        listed = self.to_controller().call(
            "ModelManager", "ListModels", {"tag": f"user-{self.user}"}
        )
        models: dict[str, KnownModel] = {}
        for entry in listed.get("user-models") or []:
            model = entry["model"]
            owner = model["owner-tag"].removeprefix("user-")
            name = f"{owner}/{model['name']}"
            models[name] = KnownModel(name, model["uuid"], model.get("type", "iaas"))
        self.store.set_models(self.controller, models)
        return models

    def to_controller(self) -> Connection:
        """The connection to the controller itself."""
        return self._connection("")

    def to_model(self, uuid: str = "") -> Connection:
        """The connection to a model, by default the one that the command means."""
        return self._connection(uuid or self.model().uuid)

    def reconnect(self) -> None:
        """Forget the open connections: the next call dials anew."""
        self.close()
        self._open.clear()

    def _known(self, name: str) -> KnownModel | None:
        models = self.store.models(self.controller)
        if found := models.get(self.qualified(name)):
            return found
        if len(name) > 5:
            return next((m for m in models.values() if m.uuid.startswith(name)), None)
        return None

    def _connection(self, uuid: str) -> Connection:
        if uuid not in self._open:
            self._open[uuid] = Connection(self.store.target(self.controller, uuid))
        return self._open[uuid]
