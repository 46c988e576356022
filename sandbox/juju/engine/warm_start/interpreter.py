"""The controller's end of one waiting interpreter."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import signal
import socket
from collections.abc import Mapping, Sequence

from sandbox.juju.engine.output import Output
from sandbox.juju.engine.warm_start.dispatching import Dispatch
from sandbox.juju.engine.warm_start.preloads import Preload
from sandbox.juju.engine.warm_start.scripts import Script

_FOLDER = pathlib.Path(__file__).with_name("preloaded")
_SOCKET = "SANDBOX_WARM_START_SOCKET"
_PATIENCE = 60.0
"""Seconds for the imports of a charm, on a machine that has much else to do."""
_WHOLE = "JUJU_*"


class Unfit(Exception):
    """No hook can be forked from this interpreter; the message says why."""


@dataclasses.dataclass(frozen=True)
class Forked:
    """A hook that runs in a fork."""

    pid: int
    ended: asyncio.Future[int]
    """Its exit code, or minus the signal that killed it."""


class Interpreter:
    """A process that waits with a charm's imports done, and forks for each hook."""

    def __init__(
        self, process: asyncio.subprocess.Process, control: socket.socket, outputs: list[Output]
    ) -> None:
        self._process = process
        self._control = control
        self._outputs = outputs
        self._received = b""
        self._numbers = 0
        self._starting: dict[int, asyncio.Future[int]] = {}
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._running: dict[int, int] = {}
        self._ready: asyncio.Future[tuple[str, ...]] = asyncio.get_running_loop().create_future()
        self._variables: dict[str, str] = {}
        """What its imports may have read of the environment."""
        self._read: frozenset[str] = frozenset()
        self.closed = False
        asyncio.get_running_loop().add_reader(control.fileno(), self._hear)

    @classmethod
    async def start(
        cls,
        dispatch: Dispatch,
        folder: pathlib.Path,
        preloads: Sequence[Preload],
        environment: Mapping[str, str],
    ) -> Interpreter:
        """Start one with the environment that a hook has, and wait for its imports.

        Hooks with another environment do not fit it.

        Raises:
            Unfit: it could not be started, or its imports do more than import.
        """
        given = {**environment, **dispatch.variables}
        waiting = await cls._begin(
            (dispatch.python, *dispatch.arguments),
            folder,
            {**given, "PYTHONPATH": ":".join((str(_FOLDER), *dispatch.paths))},
        )
        await waiting._preload(preloads)
        waiting._variables = waiting._relevant(given)
        return waiting

    @classmethod
    async def start_shared(
        cls, script: Script, folder: pathlib.Path, environment: Mapping[str, str]
    ) -> Interpreter:
        """Start one for all units whose `dispatch` is this script; its modules are in `folder`.

        Raises:
            Unfit: it could not be started, or its imports do more than import.
        """
        command = (script.python, *script.flags, str(_FOLDER / "script.py"))
        waiting = await cls._begin(
            (script.python, *command, str(folder / script.folder)), folder, environment
        )
        await waiting._preload([Preload(script.module)])
        if waiting._read:
            waiting.close()
            raise Unfit("an import reads what is a hook's own")
        return waiting

    @classmethod
    async def _begin(
        cls, command: Sequence[str], folder: pathlib.Path, environment: Mapping[str, str]
    ) -> Interpreter:
        """Start a program (its path, then its arguments as it sees them) with our socket."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        # What is at the descriptors decides how Python buffers: a hook has pipes, so has this.
        outputs = [Output("stdout", None), Output("stderr", None)]
        given = {**environment, _SOCKET: str(theirs.fileno())}
        try:
            process = await asyncio.create_subprocess_exec(
                *command[1:],
                executable=command[0],
                cwd=folder,
                env=given,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=outputs[0].writer,
                stderr=outputs[1].writer,
                start_new_session=True,
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            ours.close()
            for output in outputs:
                output.close()
            raise Unfit(f"cannot start {command[0]}: {error.strerror}") from None
        finally:
            theirs.close()
            for output in outputs:
                os.close(output.writer)
        return cls(process, ours, outputs)

    async def _preload(self, preloads: Sequence[Preload]) -> None:
        """Have it import, and wait until it has."""
        try:
            await self._ask(preloads)
        except BaseException:
            self.close()
            raise

    async def _ask(self, preloads: Sequence[Preload]) -> None:
        lines = "\n".join(" ".join((p.module, *p.names)) for p in preloads).encode()
        self._control.setblocking(True)
        self._control.sendall(len(lines).to_bytes(4, "little") + lines)
        self._control.setblocking(False)
        try:
            read = await asyncio.wait_for(asyncio.shield(self._ready), _PATIENCE)
        except asyncio.TimeoutError:
            raise Unfit(f"its imports took more than {_PATIENCE:.0f} s") from None
        if _WHOLE in read:
            raise Unfit("an import reads the whole environment")
        self._read = frozenset(read)

    @property
    def busy(self) -> bool:
        """Whether a hook runs in a fork of it."""
        return bool(self._ended)

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Whether a hook with this environment would have imported the same."""
        return not self.closed and self._relevant(environment) == self._variables

    def _relevant(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Every variable but those JUJU_* that no import looked up."""
        return {
            name: value
            for name, value in environment.items()
            if not name.startswith("JUJU_") or name in self._read
        }

    async def fork(
        self, folder: pathlib.Path, environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> Forked:
        """Run a hook in a folder, with stdin, stdout and stderr at these descriptors.

        Raises:
            Unfit: the interpreter is gone.
        """
        self._numbers += 1
        number = self._numbers
        loop = asyncio.get_running_loop()
        started = self._starting[number] = loop.create_future()
        ended = self._ended[number] = loop.create_future()
        entries = (str(folder), *(f"{name}={value}" for name, value in environment.items()))
        body = b"\0".join(map(os.fsencode, entries))
        message = number.to_bytes(4, "little") + len(body).to_bytes(4, "little") + body
        self._control.setblocking(True)
        try:
            sent = socket.send_fds(self._control, [message], list(descriptors))
            self._control.sendall(message[sent:])
            self._control.setblocking(False)
        except OSError:
            self.close()
        return Forked(await started, ended)

    def close(self) -> None:
        """End it, with what it runs: a hook that is cut off counts as killed."""
        if self.closed:
            return
        self.closed = True
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        for pid in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if self._process.returncode is None:
            # Not by Process.kill: that would take the end of a dead one away from asyncio.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
        for output in self._outputs:
            output.close()
        gone = Unfit("the waiting interpreter is gone")
        if not self._ready.done():
            self._ready.set_exception(gone)
            self._ready.exception()
        for future in self._starting.values():
            future.set_exception(gone)
        for future in self._ended.values():
            if not future.done():
                future.set_result(-signal.SIGKILL)
        self._starting, self._ended, self._running = {}, {}, {}

    def _hear(self) -> None:
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._received += data
        while len(self._received) >= 9:
            kind = self._received[:1]
            number = int.from_bytes(self._received[1:5], "little")
            end = 9 + int.from_bytes(self._received[5:9], "little")
            if len(self._received) < end:
                return
            body, self._received = self._received[9:end], self._received[end:]
            self._take(kind, number, body)

    def _take(self, kind: bytes, number: int, body: bytes) -> None:
        if kind == b"R":
            names = [os.fsdecode(name) for name in body.split(b"\0") if name]
            self._ready.set_result(tuple(names))
        elif kind == b"U":
            self._ready.set_exception(Unfit(body.decode("utf-8", "replace")))
        elif kind == b"S":
            pid = int.from_bytes(body, "little")
            self._running[number] = pid
            self._starting.pop(number).set_result(pid)
        elif kind == b"E":
            self._running.pop(number, None)
            self._ended.pop(number).set_result(int.from_bytes(body, "little", signed=True))
