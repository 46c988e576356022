"""An IPMI BMC per node that speaks it: OpenIPMI's `ipmi_sim`, one process each."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import pathlib
import shutil
import signal
import time
from collections.abc import Callable

from sandbox.bmc.board import Board, write_chassis_control
from sandbox.bmc.credentials import Credential
from sandbox.bmc.faults import Fault
from sandbox.bmc.hardware import Node
from sandbox.home import Home

PORT = 623

_LAN = """\
name "{name}"
set_working_mc 0x20
startlan 1
  addr {address} {port}
  priv_limit admin
  allowed_auths_callback none md5
  allowed_auths_user none md5
  allowed_auths_operator none md5
  allowed_auths_admin none md5
  guid {guid}
endlan
chassis_control "{control} 0x20"
user 1 false "" "" user 10
user 2 true "{user}" "{password}" admin 10 none md5
"""
_COMMANDS = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""
_PR_SET_PDEATHSIG = 1
_RESTART_SECONDS = 2.0

_log = logging.getLogger(__name__)


class IpmiMissing(RuntimeError):
    """ipmi_sim is not installed."""

    def __init__(self) -> None:
        super().__init__("ipmi_sim is not installed: install the package openipmi")


class IpmiBmc:
    """The BMC of one node."""

    def __init__(
        self, home: Home, node: Node, board: Board, credential: Callable[[], Credential]
    ) -> None:
        self._node = node
        self._board = board
        self._address = home.bmc_address(node.number)
        self._credential = credential
        self._process: asyncio.subprocess.Process | None = None
        self._served: Credential | None = None
        self._begun = 0.0

    async def apply(self, fault: Fault) -> None:
        """Be as well or ill as this says, and have the password that holds now."""
        known = self._credential()
        if self._process is not None and (fault.dead or known != self._served):
            await self._end()
        if not fault.dead and self._process is None:
            self._served = known
            self._process = await self._begin(known)

    async def watch(self) -> None:
        """Bring ipmi_sim back when it has ended on its own, but not in a busy loop."""
        ended = self._process is not None and self._process.returncode is not None
        if ended and time.monotonic() > self._begun + _RESTART_SECONDS:
            _log.warning("%s: ipmi_sim has ended; is UDP %s taken?", self._node.name, PORT)
            self._process = await self._begin(self._credential())

    async def _begin(self, known: Credential) -> asyncio.subprocess.Process:
        program = shutil.which("ipmi_sim")
        if program is None:
            raise IpmiMissing
        self._begun = time.monotonic()
        lan, commands, state = self._configure(known)
        return await asyncio.create_subprocess_exec(
            program,
            *("-n", "-c", str(lan), "-f", str(commands), "-s", str(state)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
        )

    def _configure(self, known: Credential) -> tuple[pathlib.Path, pathlib.Path, pathlib.Path]:
        folder = self._board.folder / "ipmi"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        state = folder / "state"
        # ipmi_sim keeps users there and prefers them to those of its configuration.
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        lan, commands = folder / "lan.conf", folder / "commands"
        lan.touch(mode=0o600)
        text = _LAN.format(
            name=self._node.name,
            address=self._address,
            port=PORT,
            guid=self._node.uuid.replace("-", ""),
            control=write_chassis_control(self._board),
            user=known.user,
            password=known.password,
        )
        lan.write_text(text, encoding="ascii")
        commands.write_text(_COMMANDS, encoding="ascii")
        return lan, commands, state

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            # It does not end on SIGTERM while a client holds a session.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _die_with_parent() -> None:
    """A killed BMC process leaves no ipmi_sim behind that would hold the port."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
