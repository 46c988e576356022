"""The unit's health endpoint: a small server beside the unit, found by asking it.

No file remembers its process. What answers on the unit's address says which unit it belongs
to and its process id, so a dead server is seen at the next hook, whatever killed it.
"""

from __future__ import annotations

# Not `socket` and `signal`: their imports cost as much as the rest of a hook.
import _socket
import os
import sys
import time

from . import plain_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SIGKILL, _SIGTERM = 9, 15
# Seconds for a server to come or go, and between two looks at it.
_PATIENCE = 3.0
_PAUSE = 0.02


def running(address: str, port: int, unit: str) -> int | None:
    """The process id of the unit's server, or None when it does not answer."""
    probe = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        probe.settimeout(1.0)
        probe.connect((address, port))
        probe.sendall(b"GET /healthcheck HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := probe.recv(4096):
            answer += chunk
    except OSError:
        return None
    finally:
        probe.close()
    try:
        document = plain_json.loads(answer.decode().partition("\r\n\r\n")[2])
    except ValueError:
        return None
    mine = isinstance(document, dict) and document.get("unit") == unit
    return document["pid"] if mine else None


def start(
    at: tuple[str, int],
    unit: str,
    service: str,
    virtual: str,
    api: tuple[str, int] | None = None,
) -> bool:
    """Start the server and wait until it answers; whether it does.

    It gets a session of its own, so that it outlives the hook. `virtual` is the folder that
    tells it of virtual addresses, or empty. With an `api`, an address and port, it passes on to
    it everything else that it is asked.
    """
    server = f"{__file__.rpartition('/')[0]}/server.py"
    words = [server, at[0], str(at[1]), unit, service, virtual]
    beyond = [api[0], str(api[1])] if api else []
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-SE", *words, *beyond],
        os.environ,
        file_actions=null,
        setsid=True,
    )
    return _until(lambda: running(*at, unit) is not None)


def stop(address: str, port: int, unit: str, *, at_once: bool = False) -> None:
    """End the unit's server, if it runs, and wait until it takes no more calls.

    In order: it hands its virtual addresses on, and answers who has called. `at_once`: as when
    a package is upgraded under it, with every call cut short.
    """
    pid = running(address, port, unit)
    if pid is None:
        return
    try:
        os.kill(pid, _SIGKILL if at_once else _SIGTERM)
    except ProcessLookupError:
        return
    _until(lambda: running(address, port, unit) is None)


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(_PAUSE)
    return False
