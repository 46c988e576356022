"""`python -m sandbox.openstack`: run the sandbox's OpenStack until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys

from .. import single
from ..home import Home
from .cloud import Cloud
from .layout import Layout


async def _run(home: Home) -> None:
    cloud = Cloud(Layout.load(home))
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    running = asyncio.ensure_future(cloud.run())
    stopped = asyncio.ensure_future(told.wait())
    await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
    # What is still being started when all is stopped would outlive it.
    running.cancel()
    await asyncio.wait({running})
    await cloud.stop()
    if not running.cancelled():
        running.result()


def main() -> int:
    """Run the cloud of this environment's sandbox; 1 when another process does so already."""
    home = Home.from_environment()
    try:
        with single.instance(home.folder("run") / "openstack.pid"):
            asyncio.run(_run(home))
    except single.AlreadyRunning:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
