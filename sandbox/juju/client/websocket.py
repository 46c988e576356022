"""A blocking WebSocket on one thread.

The client of the websockets library reads on a thread of its own while the caller writes. On a
TLS connection that is two threads in one OpenSSL session, which before Python 3.13 nothing
guards: answers get lost and the command waits for ever. So only the library's protocol is used
here, which does no I/O, and one thread both writes and reads. It also starts faster.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Mapping

from websockets.client import ClientProtocol
from websockets.exceptions import WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

_CHUNK = 65536


class WebSocketClosed(Exception):
    """The other side has ended the conversation."""


class WebSocket:
    """One conversation of text messages.

    Raises:
        OSError: the address does not answer, or its certificate is not trusted.
        WebSocketClosed: the handshake was refused; the message says how.
    """

    def __init__(
        self,
        address: str,
        path: str,
        trust: ssl.SSLContext,
        headers: Mapping[str, str],
        *,
        dial_seconds: float,
    ) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        plain = socket.create_connection((host, int(port)), timeout=dial_seconds)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._socket = trust.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise
        self._protocol = ClientProtocol(parse_uri(f"wss://{address}{path}"), max_size=None)
        self._messages: deque[str] = deque()
        self._fragments: list[bytes] = []
        try:
            self._shake_hands(headers)
        except BaseException:
            self._socket.close()
            raise
        # Answers may take as long as they take: only dialling has a time-out.
        self._socket.settimeout(None)

    def send(self, text: str) -> None:
        """Send one message.

        Raises:
            WebSocketClosed: the conversation is over.
        """
        if self._protocol.state is not State.OPEN:
            raise WebSocketClosed("connection is shut down")
        self._protocol.send_text(text.encode())
        self._flush()

    def receive(self) -> str:
        """The next message, however long it takes.

        Raises:
            WebSocketClosed: the other side ended the conversation first.
        """
        while not self._messages:
            if self._protocol.state is not State.OPEN:
                raise WebSocketClosed("connection is shut down")
            self._read()
        return self._messages.popleft()

    def close(self) -> None:
        """End the conversation; does not wait for the other side to agree."""
        try:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(1000)
                self._flush()
        except (OSError, WebSocketClosed):
            # It is over either way.
            return
        finally:
            self._socket.close()

    def _shake_hands(self, headers: Mapping[str, str]) -> None:
        request = self._protocol.connect()
        for name, value in headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._flush()
        while self._protocol.state is State.CONNECTING and not self._protocol.handshake_exc:
            self._read()
        if refusal := self._protocol.handshake_exc:
            raise WebSocketClosed(str(refusal)) from refusal

    def _flush(self) -> None:
        try:
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)
        except OSError as error:
            raise WebSocketClosed(f"connection is shut down: {error}") from error

    def _read(self) -> None:
        """Take in what has come, answering pings and a close on the way."""
        try:
            data = self._socket.recv(_CHUNK)
        except ConnectionError as error:
            raise WebSocketClosed(f"connection is shut down: {error}") from error
        try:
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
        except (WebSocketException, EOFError) as error:
            raise WebSocketClosed(str(error)) from error
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        self._flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.CONT, Opcode.BINARY):
            return
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            self._messages.append(b"".join(self._fragments).decode())
            self._fragments.clear()
