"""Asking a sandbox for faults: its controller over a socket, the controller itself by signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from typing import Any

from sandbox import processes, supervisor
from sandbox.faults.fault import CONTROLLER, Fault
from sandbox.faults.plan import Model
from sandbox.home import Home
from sandbox.juju.hook_tools.server import socket_path


class FaultRefused(Exception):
    """The fault could not be brought about; the message says why."""


class FaultClient:
    """Brings faults about in the sandbox of a folder."""

    def __init__(self, home: Home, model: str = "") -> None:
        self._home = home
        self._model = model

    def apply(self, fault: Fault) -> str:
        """Bring a fault about; returns what was done.

        Freezing the controller takes as long as it is frozen.

        Raises:
            FaultRefused: no such target, or no controller runs.
        """
        if fault.target == CONTROLLER:
            return self._to_controller(fault)
        answer = self._ask({"fault": fault.to_document(), "model": self._model})
        if "refused" in answer:
            raise FaultRefused(answer["refused"])
        return answer["done"]

    def model(self) -> Model:
        """What faults can happen to.

        Raises:
            FaultRefused: no controller runs.
        """
        found = self._ask({"model": self._model})
        return Model(tuple(found["units"]), tuple(found["machines"]))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        path = socket_path(self._home.folder("juju"), "faults.socket")
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(30)
                connection.connect(str(path))
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as answer:
                    return json.loads(answer.readline())
        except (OSError, ValueError) as error:
            raise FaultRefused(f"the sandbox's controller does not answer: {error}") from None

    def _to_controller(self, fault: Fault) -> str:
        mark = supervisor.daemon_environment(self._home, "juju")
        found = processes.matching(**mark)
        if not found:
            raise FaultRefused("the controller does not run under a supervisor")
        if fault.kind == "kill":
            processes.kill(found)
            return "killed the controller; its supervisor starts it again"
        _signal(found, signal.SIGSTOP)
        try:
            time.sleep(fault.seconds)
        finally:
            _signal(found, signal.SIGCONT)
        return f"froze the controller for {fault.seconds:g} s"


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)
