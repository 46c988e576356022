"""What a node does when it has power: firmware, network boot, and what MAAS made it boot.

The node knows its MAC address and where MAAS is (a real one hears that over DHCP). It asks what to
boot, and plays the system that it is given: commissioning and testing, the installer, or the
installed system. It only ever speaks to MAAS over HTTP, with the key that MAAS gives it, and waits
for MAAS when that is away, as cloud-init does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import ssl
import time
import urllib.parse
from typing import Any

import aiohttp
import yaml

from sandbox.bmc import faults, report
from sandbox.bmc.board import Board
from sandbox.bmc.hardware import Hardware, Node, Seconds
from sandbox.home import Home

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.1
_RETRY_SECONDS = 0.5
_MAAS_PORT = 5443
_METADATA = "2012-03-01/"
_Key = dict[str, str]


class _Refused(Exception):
    """MAAS does not do what the machine asks."""


class _NothingThere(_Refused):
    """MAAS has no such thing."""


class Machine:
    """One node's life under power."""

    def __init__(
        self, home: Home, hardware: Hardware, node: Node, board: Board, trusted: ssl.SSLContext
    ) -> None:
        self._home = home
        self._hardware = hardware
        self._node = node
        self._board = board
        self._trusted = trusted
        self._maas = f"https://{home.region_address}:{_MAAS_PORT}"
        self._seconds: Seconds = hardware.seconds
        self._fabrics = {network.space: network.fabric for network in hardware.networks}
        self._disk = board.folder / "disk.json"

    async def run(self) -> None:
        """Boot whenever power comes, and stop at once whenever it goes."""
        while True:
            if not self._board.on or self._board.running:
                await asyncio.sleep(_WATCH_SECONDS)
                continue
            cuts = self._board.cuts
            boot = asyncio.create_task(self._boot(cuts))
            while self._board.on and self._board.cuts == cuts:
                done, _ = await asyncio.wait({boot}, timeout=_WATCH_SECONDS)
                if done:
                    break
            if boot.done():
                boot.result()
                continue
            boot.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await boot

    async def _boot(self, cuts: int) -> None:
        try:
            await self._boot_what_maas_says(cuts)
        except _Refused as refused:
            # MAAS has forgotten the machine or its key: it stays where it is, as a real one would.
            _log.warning("%s: %s", self._node.name, refused)
            self._board.mark_running(cuts)

    async def _boot_what_maas_says(self, cuts: int) -> None:
        await self._take(self._seconds.firmware)
        if self._board.take_override() != "default":
            booted = await self._ask("GET", f"/MAAS/rack/boot-config/?mac={self._boot_mac}")
            config = json.loads(booted)
            if config["purpose"] == "commissioning":
                await self._commission(await self._enter_ephemeral(config["preseed"]))
                return
            if config["purpose"] == "xinstall":
                await self._install(await self._enter_ephemeral(config["preseed"]))
                return
            if config["purpose"] == "poweroff":
                await self._power_off()
                return
        await self._start_installed()
        self._board.mark_running(cuts)

    async def _enter_ephemeral(self, preseed: str) -> _Key:
        text = await self._ask("GET", preseed)
        await self._take(self._seconds.ephemeral)
        return yaml.safe_load(text)["datasource"]["MAAS"]

    async def _commission(self, key: _Key) -> None:
        await self._signal(key, "WORKING")
        await self._take(self._seconds.commissioning)
        found = json.dumps(report.resources(self._node, self._fabrics))
        await self._signal(key, "WORKING", {report.NAME: found})
        await self._signal(key, "TESTING")
        await self._signal(key, "WORKING")
        await self._take(self._seconds.testing)
        bad_disk = faults.read(self._home, self._hardware).of(self._node.name).bad_disk
        # It ends in any case: had MAAS been killed after hearing this, the key would be void.
        with contextlib.suppress(_Refused):
            await self._signal(key, "FAILED" if bad_disk else "OK")
        await self._power_off()

    async def _install(self, key: _Key) -> None:
        await self._signal(key, "WORKING")
        await self._take(self._seconds.install)
        # The installed system has the key too: it reports its first boot with it.
        self._disk.touch(mode=0o600)
        self._disk.write_text(json.dumps(key), encoding="utf-8")
        await self._ask("POST", _path(key, ""), key, {"op": "netboot_off"})
        self._board.reset()

    async def _power_off(self) -> None:
        # Until the power is gone the boot is not over: one that is taken up again here, after this
        # process was killed, asks MAAS anew and hears what is left to do.
        await self._take(self._seconds.power)
        self._board.switch(on=False)

    async def _start_installed(self) -> None:
        if not self._disk.exists():
            return
        await self._take(self._seconds.boot)
        key = json.loads(self._disk.read_text(encoding="utf-8"))
        with contextlib.suppress(_NothingThere):
            await self._ask("GET", _path(key, "user-data"), key)

    @property
    def _boot_mac(self) -> str:
        cabled = (nic.mac for nic in self._node.nics if nic.space is not None)
        return next(cabled, self._node.nics[0].mac)

    async def _take(self, seconds: float) -> None:
        """Let so much time pass; slower nodes take more."""
        scale = seconds / max(self._seconds.firmware, 0.001)
        await asyncio.sleep(seconds + self._seconds.jitter * self._node.jitter * min(scale, 1))

    async def _signal(self, key: _Key, status: str, files: dict[str, str] | None = None) -> None:
        await self._ask("POST", _path(key, ""), key, {"op": "signal", "status": status}, files)

    async def _ask(
        self,
        method: str,
        path: str,
        key: _Key | None = None,
        fields: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
    ) -> str:
        """One request to MAAS, again and again while MAAS is away; _Refused when it will not."""
        while True:
            try:
                async with (
                    self._session(key) as session,
                    session.request(
                        method, self._maas + path, data=_form(fields, files)
                    ) as response,
                ):
                    if response.status < 400:
                        return await response.text()
                    if response.status < 500:
                        # Without the body: that of a 401 holds a secret.
                        plain = urllib.parse.urlsplit(path).path
                        missing = response.status == 404
                        kind = _NothingThere if missing else _Refused
                        raise kind(f"MAAS answers {response.status} to {method} {plain}")
            except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
                _log.debug("%s: MAAS is away: %s", self._node.name, error)
            await asyncio.sleep(_RETRY_SECONDS)

    def _session(self, key: _Key | None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={} if key is None else {"Authorization": _authorization(key)},
            connector=aiohttp.TCPConnector(ssl=self._trusted),
            timeout=aiohttp.ClientTimeout(total=30),
        )


def _path(key: _Key, item: str) -> str:
    return key["metadata_url"] + _METADATA + item


def _form(fields: dict[str, str] | None, files: dict[str, str] | None) -> Any:
    if not files:
        return fields
    form = aiohttp.FormData(fields or {})
    for name, text in files.items():
        form.add_field(name, text.encode(), filename=name)
    return form


def _authorization(key: _Key) -> str:
    fields = {
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": key["consumer_key"],
        "oauth_token": key["token_key"],
        "oauth_signature": f"&{key['token_secret']}",
        "oauth_nonce": secrets.token_hex(8),
        "oauth_timestamp": str(int(time.time())),
    }
    quoted = (f'{name}="{urllib.parse.quote(text, safe="")}"' for name, text in fields.items())
    return "OAuth " + ", ".join(quoted)
