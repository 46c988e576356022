"""A running Juju controller, and the charm's hooks, as the tests here use them."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
from typing import Any

from sandbox.home import Home

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
_CHARM = (ROOT / "charms" / "k8s-on-openstack" / "src", ROOT / "lib")


@dataclasses.dataclass(frozen=True)
class Controller:
    """The controller, and its administrator."""

    home: Home

    def login(self) -> dict[str, str]:
        """The content of the secret that an operator grants to the charm."""
        known = json.loads((self.home.folder("juju") / "controller.json").read_text())
        return {
            "username": known["user"],
            "password": known["password"],
            "endpoints": ",".join(known["addresses"]),
            "ca-cert": known["ca_cert"],
        }

    def run(self, *words: str) -> str:
        """What the `juju` command says."""
        command = [str(pathlib.Path(sys.executable).with_name("juju")), *words]
        data = str(self.home.folder("client"))
        environment = {**os.environ, **self.home.environment, "JUJU_DATA": data}
        ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def status(self, model: str) -> dict[str, Any]:
        return json.loads(self.run("status", "-m", model, "--format", "json"))

    def models(self) -> set[str]:
        listed = json.loads(self.run("models", "--format", "json"))
        return {model["short-name"] for model in listed["models"]}

    def clouds(self) -> set[str]:
        return set(json.loads(self.run("clouds", "--controller", "sandbox", "--format", "json")))


class Hooks:
    """The process that runs the charm's hooks."""

    def __init__(self, log: pathlib.Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, _CHARM))}
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, HERE / "hooks" / "charm_process.py"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._log = log

    def run(
        self, asked: dict[str, Any], *, lost: bool = False, kill_after: float | None = None
    ) -> bool:
        """One hook; whether it came to its end.

        Args:
            asked: the application, its files, and the action where it is one.
            lost: kill it when it has done everything, before any of it is kept.
            kill_after: kill it after so many seconds.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**asked, "lost": lost}).encode() + b"\n")
        self._process.stdin.flush()
        child = int(self._line())
        if kill_after is not None and not self._speaks_within(kill_after):
            os.kill(child, signal.SIGKILL)
        code = int(self._line())
        assert code in (0, -signal.SIGKILL), self._log.read_text()[-4000:]
        return code == 0

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _line(self) -> str:
        """Unbuffered: what is read ahead could not be waited for."""
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            read = os.read(self._process.stdout.fileno(), 1)
            assert read, self._log.read_text()[-4000:]
            line += read
        return line.decode()

    def _speaks_within(self, seconds: float) -> bool:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout.fileno()], [], [], seconds)
        return bool(ready)
