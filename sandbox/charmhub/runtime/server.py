"""The unit's server: answers at its own address, and at the virtual ones that are its to keep.

Usage: server.py ADDRESS PORT UNIT SERVICE SHARED [API_ADDRESS API_PORT]

With an API, what comes is passed on to it; without one the server answers for itself.
SHARED/virtual/UNIT, where a slash of the unit's name is a dash, holds the virtual addresses
that the unit may keep, by the word of its hacluster; held/ADDRESS beside it names the unit that
does.

SIGTERM ends it in order: virtual addresses are handed on, callers that got in are answered.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH116, PTH123 - pathlib costs more memory than the rest
from __future__ import annotations

# Not `socket`, `signal` and `threading`: a server of every API unit is kept in memory.
import _signal  # pyright: ignore[reportMissingImports]
import _socket
import _thread
import os
import select
import sys
import time

# Beside this file: it runs as a script.
import relay
import virtual

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LOOK = 0.1
"""Seconds between two looks at what the unit may keep."""
_ENDS_WITHIN = 60.0
"""Seconds for answers that are under way when the server is told to end."""


class Server:
    """The listeners of one unit."""

    def __init__(
        self,
        at: tuple[str, int],
        unit: str,
        folder: str,
        attend: Callable[[_socket.socket], None],
    ) -> None:
        self._port = at[1]
        self._listener = virtual.listen(*at)
        self._attend = attend
        self._slug = unit.replace("/", "-")
        self._folder = folder
        self._virtual: dict[str, virtual.VirtualAddress] = {}
        self._leaving = False
        self._known = 0
        """When the file that names the unit's virtual addresses was written."""
        self._under_way: dict[_socket.socket, bool] = {}

    def serve(self) -> None:
        """Answer until SIGTERM, then until all answers that are under way are given."""
        _signal.signal(_signal.SIGTERM, self._leave)
        while not self._leaving:
            self._follow()
            self._wait()
        for address in list(self._virtual):
            self._give_up(address)
        # Who is in the queue has been let in.
        while self._accept(self._listener):
            pass
        self._listener.close()
        deadline = time.monotonic() + _ENDS_WITHIN
        while self._under_way and time.monotonic() < deadline:
            time.sleep(_LOOK)

    def _leave(self, *_: object) -> None:
        self._leaving = True

    def _follow(self) -> None:
        """Contend for the virtual addresses that the unit may keep now."""
        if not self._folder:
            return
        try:
            written = os.stat(f"{self._folder}/{self._slug}").st_mtime_ns
        except FileNotFoundError:
            written = 0
        if written != self._known:
            self._known = written
            wanted = self._named() if written else []
            for address in set(self._virtual).difference(wanted):
                self._give_up(address)
            for address in wanted:
                self._virtual.setdefault(address, virtual.VirtualAddress(address, self._port))
        for address, kept in self._virtual.items():
            if kept.contend():
                self._holds(address)

    def _named(self) -> list[str]:
        try:
            with open(f"{self._folder}/{self._slug}", encoding="ascii") as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def _wait(self) -> None:
        """Attend to who calls, and take the virtual addresses that are handed over."""
        poll = select.poll()
        listeners = {self._listener.fileno(): self._listener}
        waiting = {}
        for kept in self._virtual.values():
            if kept.listener:
                listeners[kept.listener.fileno()] = kept.listener
            elif kept.waiting:
                waiting[kept.waiting.fileno()] = kept
        for number in (*listeners, *waiting):
            poll.register(number, select.POLLIN)
        for number, _ in poll.poll(_LOOK * 1000):
            if number in listeners:
                self._accept(listeners[number])
            elif waiting[number].receive():
                self._holds(waiting[number].address)

    def _accept(self, listener: _socket.socket) -> bool:
        client = virtual.accepted(listener)
        if client is None:
            return False
        self._under_way[client] = True
        _thread.start_new_thread(self._answer, (client,))
        return True

    def _answer(self, client: _socket.socket) -> None:
        try:
            self._attend(client)
        finally:
            client.close()
            del self._under_way[client]

    def _holds(self, address: str) -> None:
        os.makedirs(f"{self._folder}/held", exist_ok=True)
        part = f"{self._folder}/held/.{os.getpid()}.part"
        with open(part, "w", encoding="ascii") as file:
            file.write(self._slug)
        os.replace(part, f"{self._folder}/held/{address}")

    def _give_up(self, address: str) -> None:
        kept = self._virtual.pop(address)
        held = kept.listener is not None
        if not kept.leave() and held:
            try:
                os.unlink(f"{self._folder}/held/{address}")
            except FileNotFoundError:
                return


def main(words: list[str]) -> None:
    """Serve what the command line names, until SIGTERM."""
    address, port, unit, service, shared = words[:5]
    api = (words[5], int(words[6])) if len(words) > 5 else None
    local = relay.Local(unit, service, shared)
    _thread.stack_size(128 * 1024)
    Server(
        (address, int(port)),
        unit,
        shared and f"{shared}/virtual",
        lambda client: relay.attend(client, local, api),
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
