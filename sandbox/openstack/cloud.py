"""The running cloud: starts the services in order, follows what the charms ask for, stops all."""

from __future__ import annotations

import asyncio
import os

import aiohttp

from . import access, bootstrap, configuration, environment, programs
from .administrator import Administrator
from .clusters import Clusters
from .endpoints import Endpoints, Refused
from .hypervisors import Hypervisors
from .layout import Layout
from .services import ServiceDown, Services

_FOLLOW = 0.5
"""Seconds between two looks at what the charms ask for."""
_NICE = 10
"""While data is made, which takes minutes: what runs beside it goes first."""


class Cloud:
    """One sandbox's OpenStack.

    The stand-ins of Charmhub's charms ask for hypervisors and for endpoints by files, and find
    what they need in `cloud.json`: see the modules hypervisors, endpoints and access.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._services = Services(layout)
        self._clusters: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Bring the cloud up, then follow what is asked of it.

        Raises:
            ServiceDown, bootstrap.BootstrapError, environment.EnvironmentFailed: it did not
                come up.
        """
        self._say("starting")
        self._services.end_leftovers()
        await self._ensure_data()
        configuration.write_all(self._layout)
        self._say("starting the services")
        endpoints = await self._start()
        hypervisors = Hypervisors(self._layout, self._services)
        administrator = Administrator(self._layout)
        self._say("up")
        # By itself: the others may wait for what a lost cluster has suspended.
        self._clusters = asyncio.ensure_future(Clusters(self._layout).follow())
        while True:
            try:
                await administrator.follow()
                await asyncio.gather(endpoints.follow(), hypervisors.follow())
            except (Refused, ServiceDown, aiohttp.ClientError, asyncio.TimeoutError) as error:
                # One hypervisor or endpoint that is not there yet: the next look tries again.
                self._log(f"{type(error).__name__}: {error}")
            await asyncio.sleep(_FOLLOW)

    async def _start(self) -> Endpoints:
        """Start every service but the hypervisors; returns the catalogue, set for this start."""
        layout, services = self._layout, self._services
        await services.up(programs.epmd(layout))
        behind = (programs.mariadb(layout), programs.rabbitmq(layout), *programs.ovn(layout))
        await asyncio.gather(*(services.up(service) for service in behind))
        # keystone first: the others ask it for tokens while they start.
        await services.up(programs.keystone(layout))
        # What follows signs in: a change of the password that was cut short is ended first.
        await Administrator(layout).follow()
        endpoints = Endpoints(layout)
        await endpoints.follow()
        await asyncio.gather(*(services.up(service) for service in programs.apis(layout)))
        await asyncio.gather(*(services.up(service) for service in programs.workers(layout)))
        return endpoints

    async def stop(self) -> None:
        """Stop every program."""
        if self._clusters:
            self._clusters.cancel()
            await asyncio.wait({self._clusters})
        await self._services.stop()
        access.withdraw(self._layout)
        self._say("down")

    async def _ensure_data(self) -> None:
        layout = self._layout
        complete = layout.data / "complete"
        key = "" if complete.exists() else await bootstrap.cache_key()
        if key and bootstrap.restore(layout, key):
            layout = self._layout = Layout.load(layout.home)
        # Its passwords are known now; what else there is takes a while.
        access.announce(layout)
        self._say("installing the services")
        await asyncio.to_thread(environment.ensure)
        if complete.exists():
            return
        self._say("making the databases: minutes the first time, kept for the next")
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        await bootstrap.make(layout, self._services.up)
        await self._services.stop()
        os.setpriority(os.PRIO_PROCESS, 0, 0)
        complete.touch()
        bootstrap.keep(layout, key)

    def _say(self, state: str) -> None:
        (self._layout.folder / "state").write_text(state, encoding="ascii")

    def _log(self, line: str) -> None:
        with (self._layout.made("log") / "cloud.log").open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
