"""`boot-resources/`: the systems that can be installed."""

from __future__ import annotations

from typing import Any

from sandbox.maas import representation
from sandbox.maas.call import Call, Resource

_IMAGES = (("ubuntu/jammy", "amd64/ga-22.04"), ("ubuntu/noble", "amd64/ga-24.04"))
_SUBARCHES = "generic,hwe-16.04,ga-16.04,hwe-18.04,ga-18.04,hwe-20.04,ga-20.04,ga-22.04"


async def images(call: Call) -> Any:
    """GET boot-resources/: all of them, synced."""
    return [
        {
            "id": number,
            "type": "Synced",
            "name": name,
            "architecture": architecture,
            "subarches": _SUBARCHES if "22.04" in architecture else f"{_SUBARCHES},ga-24.04",
            "resource_uri": f"{representation.ROOT}boot-resources/{number}/",
        }
        for number, (name, architecture) in enumerate(_IMAGES, start=1)
    ]


async def is_importing(call: Call) -> Any:
    """op=is_importing: never, they are there."""
    return False


IMAGES = (
    Resource(
        "api/2.0/boot-resources/",
        {("GET", None): images, ("GET", "is_importing"): is_importing},
    ),
)
