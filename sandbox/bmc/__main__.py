"""`python -m sandbox.bmc`: serve every BMC until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from sandbox.bmc.hardware import HardwareInvalid
from sandbox.bmc.ipmi import IpmiMissing
from sandbox.bmc.service import Service
from sandbox.home import Home


async def serve(home: Home) -> None:
    """Serve until a signal asks to end."""
    service = Service(home)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await service.run(ended)


def main() -> int:
    """Run the BMCs; 1 when they cannot be served, with the reason."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        asyncio.run(serve(Home.from_environment()))
    except (HardwareInvalid, IpmiMissing, OSError) as error:
        # OSError: most often an address is in use, by other BMCs of this sandbox.
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
