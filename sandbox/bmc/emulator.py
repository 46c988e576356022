"""sushy-tools' Redfish emulator over the boards of this sandbox.

The emulator is one Flask application whose drivers show every system that they know. Here it
answers for one node at a time, the one whose BMC was asked, so that a BMC shows its own node only.
"""

# The emulator's base classes have no types, and pyright infers NoReturn for their stubs.
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import json
import pathlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import flask
from sushy_tools import error
from sushy_tools.emulator import main as emulator
from sushy_tools.emulator.resources import chassis, drives, managers, storage
from sushy_tools.emulator.resources.systems.base import AbstractSystemsDriver
from werkzeug.test import Client

from sandbox.bmc import inventory
from sandbox.bmc.board import Board
from sandbox.bmc.hardware import Node

_CONFIGURATION = {"SUSHY_EMULATOR_FEATURE_SET": "full"}
_SWITCHES = {
    "On": True,
    "ForceOn": True,
    "ForceOff": False,
    "GracefulShutdown": False,
}
_RESTARTS = ("ForceRestart", "GracefulRestart", "PowerCycle")


@dataclasses.dataclass(frozen=True)
class Asked:
    """The node whose BMC is being asked."""

    node: Node
    board: Board
    lag: float
    """Seconds from a power command until the power changes."""
    health: str = "OK"


_asked: contextvars.ContextVar[Asked] = contextvars.ContextVar("asked")


class BoardDriver(AbstractSystemsDriver):
    """The systems driver: the asked node's board."""

    @property
    def driver(self) -> str:
        """What the emulator calls this driver."""
        return "<board>"

    @property
    def systems(self) -> list[str]:
        """The UUIDs of the systems: one."""
        return [_asked.get().node.uuid]

    def uuid(self, identity: str) -> str:
        """The UUID of the system of this name or UUID."""
        return self._known(identity).uuid

    def name(self, identity: str) -> str:
        """The name of the system of this name or UUID."""
        return self._known(identity).name

    def get_power_state(self, identity: str) -> str:
        """On or Off."""
        self._known(identity)
        return "On" if _asked.get().board.on else "Off"

    def set_power_state(self, identity: str, state: str) -> None:
        """Switch or restart; it takes effect after the board's lag."""
        self._known(identity)
        asked = _asked.get()
        if state in _SWITCHES:
            _later(asked.lag, asked.board.switch, on=_SWITCHES[state])
        elif state in _RESTARTS:
            _later(asked.lag, asked.board.reset)
        else:
            raise error.BadRequest(f"ResetType {state} is not supported")

    def get_boot_device(self, identity: str) -> str:
        """The boot override, in Redfish's word."""
        self._known(identity)
        override = _asked.get().board.boot_override
        return next((t for t, s in inventory.BOOT_SOURCES.items() if s == override), "None")

    def set_boot_device(self, identity: str, boot_source: str) -> None:
        """Override the next boot."""
        self._known(identity)
        if boot_source not in inventory.BOOT_SOURCES:
            raise error.BadRequest(f"BootSourceOverrideTarget {boot_source} is not supported")
        _asked.get().board.override_boot(inventory.BOOT_SOURCES[boot_source])

    def get_boot_mode(self, identity: str) -> str:
        """All boards boot by UEFI."""
        self._known(identity)
        return "UEFI"

    def get_total_memory(self, identity: str) -> int:
        """In GiB."""
        return self._known(identity).memory // 1024

    def get_total_cpus(self, identity: str) -> int:
        """Processors."""
        return self._known(identity).cpu.sockets

    def get_versions(self, identity: str) -> dict[str, str]:
        """The firmware's version."""
        return {"BiosVersion": self._known(identity).system.firmware}

    def get_nics(self, identity: str) -> list[dict[str, str]]:
        """The ports."""
        return [{"id": nic.mac, "mac": nic.mac} for nic in self._known(identity).nics]

    def get_processors(self, identity: str) -> list[dict[str, str]]:
        """One entry per socket."""
        cpu = self._known(identity).cpu
        cores = str(cpu.cores // cpu.sockets)
        return [
            {
                "id": f"CPU{number}",
                "Id": f"CPU{number}",
                "socket": f"CPU {number}",
                "vendor": "Intel" if "Intel" in cpu.model else "AMD",
                "model": cpu.model,
                "cores": cores,
                "threads": cores,
            }
            for number in range(cpu.sockets)
        ]

    def _known(self, identity: str) -> Node:
        node = _asked.get().node
        if identity == node.uuid:
            return node
        if identity == node.name:
            raise error.AliasAccessError(node.uuid)
        raise error.NotFound(f"System {identity} was not found")


def _later(seconds: float, action: Any, **arguments: Any) -> None:
    if seconds <= 0:
        action(**arguments)
    else:
        threading.Timer(seconds, action, kwargs=arguments).start()


class _NodeApplication(emulator.Application):
    """The emulator's application with drivers that look at the asked node."""

    @property
    def systems(self) -> BoardDriver:
        return BoardDriver()

    @property
    def managers(self) -> managers.FakeDriver:
        return managers.FakeDriver(self.config, self.logger, self.systems, self.chassis)

    @property
    def chassis(self) -> chassis.StaticDriver:
        node = _asked.get().node
        case = {"Id": "1", "Name": f"{node.name} chassis", "UUID": node.uuid}
        return chassis.StaticDriver({"SUSHY_EMULATOR_CHASSIS": [case]}, self.logger)

    @property
    def storage(self) -> storage.StaticDriver:
        node = _asked.get().node
        controller = {
            "Id": inventory.STORAGE,
            "Name": "Disks",
            "StorageControllers": [
                {"MemberId": "0", "Name": "Storage controller", "SpeedGbps": 12}
            ],
            "Drives": [disk.name for disk in node.disks],
        }
        configuration = {"SUSHY_EMULATOR_STORAGE": {node.uuid: [controller]}}
        return storage.StaticDriver(configuration, self.logger)

    @property
    def drives(self) -> drives.StaticDriver:
        node = _asked.get().node
        shown = [
            {
                "Id": disk.name,
                "Name": disk.name,
                "CapacityBytes": disk.size,
                "Protocol": inventory.protocol(disk),
            }
            for disk in node.disks
        ]
        key = (node.uuid, inventory.STORAGE)
        return drives.StaticDriver({"SUSHY_EMULATOR_DRIVES": {key: shown}}, self.logger)


def _complete(response: flask.Response) -> flask.Response:
    asked = _asked.get()
    if flask.request.method != "GET" or response.status_code != 200 or not response.is_json:
        return response
    data = response.get_json()
    subject = inventory.Subject(asked.node, asked.board, asked.health)
    data = inventory.complete(flask.request.endpoint or "", subject, data)
    response.set_data(json.dumps(data))
    if "@odata.etag" in data:
        response.headers["ETag"] = data["@odata.etag"]
    return response


@dataclasses.dataclass(frozen=True)
class Response:
    """What the emulator answers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Emulator:
    """The emulator, called in this process. Answers for one node at a time."""

    def __init__(self, folder: pathlib.Path) -> None:
        """`folder` is where the emulator keeps what is no board's: indicator lights."""
        folder.mkdir(exist_ok=True)
        # The module builds its application when it is imported and its routes refer to it by
        # name: giving that object our class is the one way to other drivers than its own four.
        application = emulator.app
        application.__class__ = _NodeApplication
        state = {"SUSHY_EMULATOR_STATE_DIR": str(folder)}
        application.configure(extra_config={**_CONFIGURATION, **state})
        application.after_request(_complete)
        self._client = Client(application)

    def answer(
        self, asked: Asked, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """Pass a request on, on behalf of the asked node's BMC."""
        with _asking(asked):
            response = self._client.open(
                path, method=method, headers=dict(headers), data=body, follow_redirects=False
            )
        return Response(response.status_code, dict(response.headers), response.get_data())


@contextlib.contextmanager
def _asking(asked: Asked) -> Iterator[None]:
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)
