"""A virtual address: one of several servers holds it at a time, and hands it on.

Pacemaker moves an address between machines. Here all machines are one, so what moves is the
listening socket itself: its queue of callers goes along, and none of them is refused. The
holder listens on a name in the kernel's abstract namespace too, where the others wait. When it
leaves in order it sends both sockets to one of them; when it dies their connections break, and
the first to bind the name is the next holder.
"""

from __future__ import annotations

# Not `socket`: a server of every API unit is kept in memory.
import _socket
import select
import sys
import time

_BACKLOG = 128
_WORD = 4
"""Bytes of a file descriptor's number."""
_TAKER_WITHIN = 0.5
"""Seconds for another server to come for the address."""
_TAKEN_WITHIN = 5.0
"""Seconds for it to say that it has it."""


def listen(address: str, port: int) -> _socket.socket:
    """A socket that listens and never blocks.

    Raises:
        OSError: the address or port is taken or is not this machine's.
    """
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def accepted(listener: _socket.socket) -> _socket.socket | None:
    """The next caller; None when there is none any more."""
    try:
        # A C-level socket accepts to a bare file descriptor.
        number, _ = listener._accept()  # type: ignore[attr-defined]
    except OSError:
        return None
    return _socket.socket(fileno=number)


class VirtualAddress:
    """One virtual address as one server sees it: idle, waiting for it, or holding it."""

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self._port = port
        self._name = f"\0sandbox-virtual-{address}:{port}"
        self._claim: _socket.socket | None = None
        """Of the holder: where the others wait."""
        self.listener: _socket.socket | None = None
        """Of the holder: where clients call."""
        self.waiting: _socket.socket | None = None
        """Of another: its connection to the holder, readable when the address may be had."""

    def contend(self) -> bool:
        """Wait for the address or, where nobody has it, take it; whether it was taken now."""
        if self.listener or self.waiting:
            return False
        peer = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            peer.connect(self._name)
        except OSError:
            peer.close()
            return self._take()
        self.waiting = peer
        return False

    def _take(self) -> bool:
        claim = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            claim.bind(self._name)
            claim.listen(_BACKLOG)
            self.listener = listen(self.address, self._port)
        except OSError:
            # Somebody was faster, or still has the address: the next look tries again.
            claim.close()
            return False
        claim.setblocking(False)
        self._claim = claim
        return True

    def receive(self) -> bool:
        """Take what the holder sends; whether it is the address. Otherwise the holder is gone."""
        peer, self.waiting = self.waiting, None
        if peer is None:
            return False
        try:
            _, sent, _, _ = peer.recvmsg(1, _socket.CMSG_SPACE(2 * _WORD))
            if not sent:
                return self.contend()
            numbers = sent[0][2]
            self._claim, self.listener = (
                _socket.socket(fileno=int.from_bytes(numbers[at : at + _WORD], sys.byteorder))
                for at in (0, _WORD)
            )
            peer.send(b"!")
        except OSError:
            return self.listener is not None or self.contend()
        finally:
            peer.close()
        return True

    def leave(self) -> bool:
        """Stop waiting, or hand the address on; whether another server holds it now."""
        if self.waiting:
            self.waiting.close()
            self.waiting = None
        claim, listener = self._claim, self.listener
        if claim is None or listener is None:
            return False
        self._claim = self.listener = None
        handed = _hand_on(claim, listener)
        claim.close()
        listener.close()
        return handed


def _hand_on(claim: _socket.socket, listener: _socket.socket) -> bool:
    numbers = b"".join(s.fileno().to_bytes(_WORD, sys.byteorder) for s in (claim, listener))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, numbers)]
    poll = select.poll()
    poll.register(claim.fileno(), select.POLLIN)
    deadline = time.monotonic() + _TAKER_WITHIN
    while (left := deadline - time.monotonic()) > 0:
        poll.poll(left * 1000)
        taker = accepted(claim)
        if taker is None:
            continue
        try:
            taker.sendmsg([b"!"], rights)
            taker.settimeout(_TAKEN_WITHIN)
            if taker.recv(1):
                return True
        except TimeoutError:
            # It lives and has the sockets: it is only slow.
            return True
        except OSError:
            # It has gone while it waited.
            continue
        finally:
            taker.close()
    return False
