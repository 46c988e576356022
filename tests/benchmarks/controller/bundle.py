"""The whole bundle with high availability: from `juju deploy` until every unit is active."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

import yaml

from sandbox import processes
from sandbox.home import Home
from sandbox.juju.state.store import Store, Transaction
from tests.benchmarks.controller.figures import Figure
from tests.blocks import reserve

SETTLED = 60.0
_PATIENCE = 900.0
_STEADY = 2.0
"""Seconds without a change after which the model has settled."""

_BUNDLES = pathlib.Path(__file__).parents[3] / "bundles"
_PROJECT = ("maas-bmc", "baremetal-inventory", "openstack-coordinator", "k8s-on-openstack")
"""The project's own charms stay out: they wait for a MAAS, which is not what is measured."""


def measure() -> list[Figure]:
    """Deploy the bundle on instant machines, with the stand-ins' real processes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _controller(folder) as home:
        started = time.monotonic()
        cpu = os.times()
        _deploy(home, pathlib.Path(folder))
        deployed = time.monotonic() - started
        settled = _wait(home) - started
        used = os.times()
        with _reading(home) as tx:
            units = tx.value("SELECT count(*) FROM units")
            hooks = tx.value("SELECT count(*) FROM runs WHERE seconds IS NOT NULL")
        memory = _memory(home)
    return [
        Figure("HA bundle: units", units, ""),
        Figure("HA bundle: hooks", hooks, ""),
        Figure("HA bundle: juju deploy returns", deployed, "s"),
        Figure("HA bundle: client's CPU", used[2] + used[3] - cpu[2] - cpu[3], "s"),
        Figure("HA bundle: every unit active", settled, "s", SETTLED),
        Figure("HA bundle: the controller's memory", memory, "MB", 300.0),
    ]


@contextlib.contextmanager
def _controller(folder: str) -> Iterator[Home]:
    home = Home(pathlib.Path(folder) / "home", block=reserve("bench"))
    environment = {**os.environ, **home.environment}
    log = (home.folder("log") / "juju.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.juju.controller"],
        env={**environment, "SANDBOX_DAEMON": "juju"},
        stdout=log,
        stderr=log,
    )
    try:
        while b"serving" not in (home.path / "log" / "juju.log").read_bytes():
            if process.poll() is not None:
                raise RuntimeError("the controller does not start")
            time.sleep(0.1)
        register = (
            "from sandbox.home import Home; from sandbox.juju.client import store;"
            "store.register(Home.from_environment())"
        )
        subprocess.run([sys.executable, "-c", register], env=environment, check=True)
        yield home
    finally:
        process.terminate()
        process.wait(30)
        log.close()
        processes.end(processes.matching(SANDBOX_HOME=str(home.path)), patience=0)


def _deploy(home: Home, folder: pathlib.Path) -> None:
    bundle = _without_project(_BUNDLES / "full-stack.yaml", folder)
    overlays = [_BUNDLES / "overlays" / name for name in ("ha.yaml", "sandbox.yaml")]
    copies = [str(_without_project(path, folder)) for path in overlays]
    _juju(home, "add-model", "bench")
    _juju(home, "deploy", str(bundle), *(w for copy in copies for w in ("--overlay", copy)))


def _without_project(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A copy of a bundle or overlay without the project's charms, for machines of no MAAS."""
    document = yaml.safe_load(path.read_text("utf-8"))
    for name in _PROJECT:
        document.get("applications", {}).pop(name, None)
    for application in document.get("applications", {}).values():
        (application or {}).pop("bindings", None)  # instant machines are in no space
    document["relations"] = [
        ends
        for ends in document.get("relations", [])
        if not any(end.partition(":")[0] in _PROJECT for end in ends)
    ]
    copy = folder / path.name
    copy.write_text(yaml.safe_dump(document), "utf-8")
    return copy


def _juju(home: Home, *arguments: str) -> None:
    juju = str(pathlib.Path(sys.executable).with_name("juju"))
    done = subprocess.run(
        [juju, *arguments],
        env={**os.environ, **home.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"juju {arguments[0]}: {done.stderr[-2000:]}")


@contextlib.contextmanager
def _reading(home: Home) -> Iterator[Transaction]:
    store = Store(home.folder("juju") / "juju.db", read_only=True)
    with contextlib.closing(store), store.reading() as tx:
        yield tx


def _wait(home: Home) -> float:
    """The moment since when every unit has been active and idle."""
    deadline = time.monotonic() + _PATIENCE
    since: float | None = None
    while since is None or time.monotonic() - since < _STEADY:
        with _reading(home) as tx:
            waiting = _waiting(tx)
        now = time.monotonic()
        since = None if waiting else since or now
        if now > deadline:
            raise RuntimeError(f"not settled in {_PATIENCE:.0f} s: {waiting[:10]}")
        time.sleep(0.25)
    return since


def _waiting(tx: Transaction) -> list[str]:
    rows = tx.all(
        "SELECT u.name, a.status AS agent, w.status AS workload, w.message FROM units u"
        " JOIN statuses a ON a.model = u.model AND a.kind = 'agent' AND a.entity = u.name"
        " JOIN statuses w ON w.model = u.model AND w.kind = 'workload' AND w.entity = u.name"
    )
    found = [
        f"{row['name']} {row['agent']} {row['workload']}: {row['message']}"
        for row in rows
        if (row["agent"], row["workload"]) != ("idle", "active")
    ]
    return found if rows else ["no unit yet"]


def _memory(home: Home) -> float:
    """Megabytes that the controller's process holds."""
    marked = processes.matching(SANDBOX_HOME=str(home.path), SANDBOX_DAEMON="juju")
    sizes = []
    for pid in marked:
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        line = next((x for x in status.splitlines() if x.startswith("VmRSS:")), "VmRSS: 0")
        sizes.append(int(line.split()[1]) / 1024)
    return max(sizes, default=0.0)
