"""The ground of an upgrade: a cloud of 2023.2 on Ubuntu 22.04, highly available.

It is brought up as `sandbox up` does it. What differs from the newcomer's cloud is twelve
hypervisors, no Kubernetes cluster, and that each charm of Charmhub is older than the newest one
of its channel.
"""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

from sandbox.bmc import hardware
from sandbox.charmhub import descriptions
from sandbox.home import Home

HYPERVISORS = 12
_OVERLAYS = ("ha", "jammy-2023.2")
_ROOT = pathlib.Path(__file__).parents[2]
_BUNDLES = _ROOT / "bundles"
_INVENTORY = _ROOT / "charms" / "baremetal-inventory" / "charmcraft.yaml"


def prepare(home: Home) -> tuple[str, ...]:
    """Give the sandbox its hardware; returns the overlays of the bundle that go with it."""
    home.path.mkdir(parents=True, exist_ok=True)
    machines = yaml.safe_load(hardware.DEFAULT_PATH.read_text(encoding="utf-8"))
    machines["nodes"] += _more(machines["nodes"], HYPERVISORS)
    (home.path / "hardware.yaml").write_text(yaml.safe_dump(machines), encoding="utf-8")
    overlay = home.folder("run") / "ground.yaml"
    applications = _older()
    for name, changed in _hypervisors().items():
        applications.setdefault(name, {}).update(changed)
    overlay.write_text(yaml.safe_dump({"applications": applications}), encoding="utf-8")
    return (*_OVERLAYS, str(overlay))


def _older() -> dict[str, Any]:
    """Application -> the oldest revision of its channel, for charms of Charmhub."""
    merged: dict[str, dict[str, Any]] = {}
    for path in (
        _BUNDLES / "full-stack.yaml",
        *(_BUNDLES / f"overlays/{o}.yaml" for o in _OVERLAYS),
    ):
        written = yaml.safe_load(path.read_text(encoding="utf-8"))["applications"]
        for name, changed in written.items():
            if changed is None:
                del merged[name]
            else:
                merged.setdefault(name, {}).update(changed)
    known = descriptions.load()
    return {
        name: {"revision": _oldest(known[application["charm"]], application["channel"])}
        for name, application in merged.items()
        if application["charm"] in known
    }


def _oldest(charm: descriptions.Description, channel: str) -> int:
    return min(release.revision for release in charm.releases if release.channel == channel)


def _hypervisors() -> dict[str, Any]:
    charm = yaml.safe_load(_INVENTORY.read_text(encoding="utf-8"))
    policy = yaml.safe_load(charm["config"]["options"]["policy"]["default"])
    policy["roles"]["compute"]["want"] = HYPERVISORS
    return {
        "nova-compute": {"num_units": HYPERVISORS},
        "baremetal-inventory": {"options": {"policy": yaml.safe_dump(policy, sort_keys=False)}},
    }


def _more(nodes: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Machines like the first three of nodes 4 to 10, which are made for guests."""
    made = []
    for number in range(len(nodes) + 1, len(nodes) + count + 1):
        model = nodes[3 + number % 3]
        text = yaml.safe_dump(model)
        for serial in _serials(model):
            text = text.replace(serial, f"{serial}{number:02}")
        node = yaml.safe_load(text)
        for place, nic in enumerate(node["nics"]):
            nic["mac"] = f"02:00:00:00:{number:02x}:{place:02x}"
        made.append(node)
    return made


def _serials(node: dict[str, Any]) -> set[str]:
    return {node["system"]["serial"], *(disk["serial"] for disk in node["disks"])}
