"""Running one process of a charm: its output by lines, its end, and its children's end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sandbox.juju.engine.output import Output, Stream
from sandbox.juju.engine.warm_start.interpreter import Interpreter, Unfit

_LINGER = 0.1
"""Seconds for output that is still in the pipe: a child left behind may keep it open forever."""


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    """Its exit code, or minus the signal that killed it."""
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def terminated(self) -> bool:
        """Whether somebody ended it: SIGTERM or SIGKILL, from outside."""
        return self.code in (-signal.SIGTERM, -signal.SIGKILL)

    @property
    def reason(self) -> str:
        """Why it failed, in the words of Juju's agent."""
        if self.terminated:
            return "terminated"
        if self.code < 0:
            return f"signal: {signal.strsignal(-self.code) or -self.code}".lower()
        return f"exit status {self.code}"


@dataclasses.dataclass(frozen=True)
class Command:
    """What to run, where, and with which environment."""

    argv: Sequence[str]
    folder: pathlib.Path
    environment: Mapping[str, str]
    script: str | None = None
    """What it reads on stdin; nothing by default."""


@dataclasses.dataclass(frozen=True)
class WarmStart:
    """An interpreter to fork a run from, in place of executing its command."""

    interpreter: Interpreter
    environment: Mapping[str, str]
    """The command's, with what the charm's `dispatch` would add."""


class Process:
    """A process of a charm while it runs, in a session of its own."""

    def __init__(
        self, pid: int, ended: Callable[[], Awaitable[int]], output: Sequence[Output]
    ) -> None:
        self.pid = pid
        """Its number, which is its session's too."""
        self._ended = ended
        self._output = output

    @classmethod
    async def start(
        cls,
        command: Command,
        on_line: Callable[[Stream, str], None] | None,
        warm: WarmStart | None = None,
    ) -> Process:
        """Start it; `on_line` hears of every line of output, else the output is kept.

        Raises:
            OSError: it cannot be executed.
        """
        outputs = (Output("stdout", on_line), Output("stderr", on_line))
        try:
            pid, ended = await _start(command, outputs, warm)
        except BaseException:
            for output in outputs:
                output.close()
            raise
        finally:
            for output in outputs:
                os.close(output.writer)
        return cls(pid, ended, outputs)

    def kill(self) -> None:
        """Kill it with everything in its session."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Signal everything in its session, or it alone where it has not made one yet."""
        for send in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                send(self.pid, number)

    async def wait(self) -> Ended:
        """Wait for its end, and a moment for the rest of its output."""
        code = await self._ended()
        await asyncio.wait({o.finished for o in self._output}, timeout=_LINGER)
        for output in self._output:
            output.close()
        stdout, stderr = (bytes(output.kept) for output in self._output)
        return Ended(code, stdout, stderr)


async def _start(
    command: Command, outputs: Sequence[Output], warm: WarmStart | None
) -> tuple[int, Callable[[], Awaitable[int]]]:
    """The number of the new process, and how to wait for its exit code."""
    stdin = _script(command.script) if command.script is not None else _nothing()
    descriptors = (stdin, *(output.writer for output in outputs))
    try:
        if warm is not None:
            with contextlib.suppress(Unfit):  # it has died: then the command as it is
                forked = await warm.interpreter.fork(command.folder, warm.environment, descriptors)
                # Who stops waiting for it does not end it.
                return forked.pid, lambda: asyncio.shield(forked.ended)
        started = await asyncio.create_subprocess_exec(
            *command.argv,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=stdin,
            stdout=descriptors[1],
            stderr=descriptors[2],
            start_new_session=True,
        )
        return started.pid, started.wait
    finally:
        os.close(stdin)


def _nothing() -> int:
    return os.open(os.devnull, os.O_RDWR)


def _script(text: str) -> int:
    """A file without a name that holds a script, at its start."""
    descriptor = os.memfd_create("script")
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
