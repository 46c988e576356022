"""A client that asks for one URL twenty times a second, and counts what it does not get."""

from __future__ import annotations

import http.client
import threading
import urllib.parse

_PAUSE = 0.05
_AFTER = 0.5
"""Seconds that it goes on asking after its block has ended."""


class Asking:
    """Asks while its `with` block lasts, each request in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._stopped = threading.Event()
        self._asker = threading.Thread(target=self._run)
        self._under_way: list[threading.Thread] = []
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> Asking:
        self._asker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.wait(_AFTER)
        self._stopped.set()
        for thread in (self._asker, *self._under_way):
            thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_PAUSE):
            self._under_way.append(threading.Thread(target=self._ask))
            self._under_way[-1].start()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(self._url.netloc, timeout=30)
        try:
            connection.request("GET", self._url.path)
            status = connection.getresponse().status
        except OSError as error:
            self.failures.append(f"{type(error).__name__}: {error}")
        else:
            if status == 200:
                self.answers += 1
            else:
                self.failures.append(str(status))
        finally:
            connection.close()
