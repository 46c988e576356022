"""What a charm's process writes, by lines or as a whole."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Literal

_LONGEST_LINE = 4096
"""Bytes; longer lines are logged in pieces, as Juju does."""

Stream = Literal["stdout", "stderr"]


class Output:
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
