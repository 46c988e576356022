"""The socket that hook tools talk to."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
import pathlib
import struct
from collections.abc import Awaitable, Callable

from sandbox.juju.hook_tools.answer import Answer, refuse

LIMIT = 64 * 1024**2
"""Bytes of one request: four times what the largest databag may hold."""

_PATH_LIMIT = 107
"""Bytes that the path of a unix socket may have."""

_MAGIC = b"JUT1"
_FIELDS = 6
"""Those before a tool's arguments."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What one process of a charm asks."""

    context: str
    model: str
    directory: str
    stdin: bytes | None
    tool: str
    arguments: tuple[str, ...]


Handler = Callable[[Request], Awaitable[Answer]]


class ToolServer:
    """Takes requests of hook tools, each on a connection of its own."""

    def __init__(self, path: pathlib.Path, handler: Handler) -> None:
        self.path = path
        self._handler = handler
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Listen; a socket that an earlier daemon left behind is replaced."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self.path), backlog=1024)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(reader)
            head = struct.pack("<III", answer.code & 255, len(answer.stdout), len(answer.stderr))
            writer.write(head + answer.stdout + answer.stderr)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the process was killed: nobody waits for an answer
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        try:
            request = await _read(reader)
        except ValueError as error:
            return refuse(f"bad request: {error}")
        return await self._handler(request)


def socket_path(folder: pathlib.Path, name: str = "agent.socket") -> pathlib.Path:
    """Where a socket is: in `folder`, or in a short folder of its own if that is too deep."""
    path = folder / name
    if len(os.fsencode(path)) <= _PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return pathlib.Path(f"/tmp/juju-agent-{os.getuid()}-{digest}/{name}")  # noqa: S108


async def _read(reader: asyncio.StreamReader) -> Request:
    magic, count = struct.unpack("<4sI", await reader.readexactly(8))
    if magic != _MAGIC or count < _FIELDS:
        raise ValueError("not a hook tool")
    fields: list[bytes] = []
    total = 0
    for _ in range(count):
        (size,) = struct.unpack("<I", await reader.readexactly(4))
        total += size
        if total > LIMIT:
            raise ValueError(f"request of more than {LIMIT} bytes")
        fields.append(await reader.readexactly(size))
    context, model, directory, with_stdin, stdin, *words = fields
    tool, *arguments = (word.decode("utf-8", "surrogateescape") for word in words)
    return Request(
        context.decode(),
        model.decode(),
        os.fsdecode(directory),
        stdin if with_stdin == b"1" else None,
        tool,
        tuple(arguments),
    )
