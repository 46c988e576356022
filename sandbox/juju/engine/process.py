"""Running one process of a charm: its output by lines, its end, and its children's end."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

_LINGER = 0.1
"""Seconds for output that is still in the pipe: a child left behind may keep it open forever."""

_LONGEST_LINE = 4096
"""Bytes; longer lines are logged in pieces, as Juju does."""

Stream = Literal["stdout", "stderr"]


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


class Process:
    """A process of a charm while it runs, in a session of its own."""

    def __init__(self, started: asyncio.subprocess.Process, output: list[_Output]) -> None:
        self._process = started
        self._output = output

    @classmethod
    async def start(
        cls, command: Command, on_line: Callable[[Stream, str], None] | None
    ) -> Process:
        """Start it; `on_line` hears of every line of output, else the output is kept.

        Raises:
            OSError: it cannot be executed.
        """
        outputs = [_Output("stdout", on_line), _Output("stderr", on_line)]
        stdin = (
            _script(command.script) if command.script is not None else asyncio.subprocess.DEVNULL
        )
        try:
            started = await asyncio.create_subprocess_exec(
                *command.argv,
                cwd=command.folder,
                env=dict(command.environment),
                stdin=stdin,
                stdout=outputs[0].writer,
                stderr=outputs[1].writer,
                start_new_session=True,
            )
        except OSError:
            for output in outputs:
                output.close()
            raise
        finally:
            for output in outputs:
                os.close(output.writer)
            if command.script is not None:
                os.close(stdin)
        return cls(started, outputs)

    @property
    def pid(self) -> int:
        """Its number, which is its session's too."""
        return self._process.pid

    def kill(self) -> None:
        """Kill it with everything in its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> Ended:
        """Wait for its end, and a moment for the rest of its output."""
        code = await self._process.wait()
        await asyncio.wait({o.finished for o in self._output}, timeout=_LINGER)
        for output in self._output:
            output.close()
        stdout, stderr = (bytes(output.kept) for output in self._output)
        return Ended(code, stdout, stderr)


class _Output:
    """The reading end of a pipe."""

    def __init__(self, stream: Stream, on_line: Callable[[Stream, str], None] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._stream: Stream = stream
        self._on_line = on_line
        self._partial = b""
        self._open = True
        self.kept = bytearray()
        self.finished: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._reader, self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._reader, 65536)
        except BlockingIOError:
            return
        if not chunk:
            self._loop.remove_reader(self._reader)
            self.finished.set_result(None)
            return
        if self._on_line is None:
            self.kept += chunk
            return
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        if len(self._partial) > _LONGEST_LINE:
            lines, self._partial = [*lines, self._partial], b""
        for line in lines:
            self._on_line(self._stream, _text(line))

    def close(self) -> None:
        """Stop reading; what was an unfinished line is told as one."""
        if not self._open:
            return
        self._open = False
        if self._partial and self._on_line is not None:
            self._on_line(self._stream, _text(self._partial))
        self._loop.remove_reader(self._reader)
        os.close(self._reader)
        if not self.finished.done():
            self.finished.cancel()


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


def _script(text: str) -> int:
    """A file without a name that holds a script, at its start."""
    descriptor = os.memfd_create("script")
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
