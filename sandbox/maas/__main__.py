"""`python -m sandbox.maas`: serve the region until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from sandbox.bmc.hardware import HardwareInvalid
from sandbox.home import Home
from sandbox.maas.region import Region
from sandbox.maas.server import PORT, Server


async def serve(home: Home) -> None:
    """Serve until a signal asks to end."""
    region = Region.open(home)
    server = Server(home, region)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await server.start()
    await region.start()
    logging.getLogger(__name__).info("MAAS answers on https://%s:%s", home.region_address, PORT)
    await ended.wait()
    await server.stop()
    await region.stop()


def main() -> int:
    """Run the server; 1 when it cannot serve, with the reason."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(serve(Home.from_environment()))
    except (HardwareInvalid, OSError) as error:
        # OSError: most often the address is in use, by another server of this sandbox.
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
