"""The controller's daemon: state, API, unit agents and provisioner in one process.

`python -m sandbox.juju.controller` serves the sandbox of the environment until SIGTERM. It
logs to stderr. With SANDBOX_WARM_START=off it starts an interpreter for each hook. SANDBOX_SEED
repeats what chance decides: when update-status runs, and when a failed hook is retried.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import pathlib
import secrets
import signal
import sys
import uuid

from sandbox import single
from sandbox.authority import Authority
from sandbox.home import Home
from sandbox.juju import clock, release
from sandbox.juju.api.server import ApiServer
from sandbox.juju.engine.engine import Engine
from sandbox.juju.engine.runtime import Settings
from sandbox.juju.provisioner import Provisioner
from sandbox.juju.state import accounts, clouds
from sandbox.juju.state.store import Store, Transaction

NAME = "sandbox"
USER = "admin"
CLOUD = "localhost"

_LOGGER = logging.getLogger(__name__)


def describe(home: Home, store: Store) -> pathlib.Path:
    """Set up a new controller's identity and account; returns the file that tells of them.

    The file holds the admin's password, so only its owner may read it. It is written anew
    when it was lost; then the admin has a new password.
    """
    path = home.folder("juju") / "controller.json"
    with store.transaction() as tx:
        identity = _identity(tx)
        version = _version(tx)
        if path.exists() and json.loads(path.read_text("utf-8"))["uuid"] == identity:
            _tell_version(path, version)
            return path
        password = secrets.token_hex(16)
        _set_password(tx, password)
        document = {
            "uuid": identity,
            "name": NAME,
            "version": version,
            "addresses": [f"{home.controller_address}:17070"],
            "ca_cert": Authority(home.folder("ca")).pem,
            "user": USER,
            "password": password,
        }
        _write_private(path, json.dumps(document, indent=2))
    return path


def _identity(tx: Transaction) -> str:
    """The controller's UUID; a new one comes with the cloud that it runs on."""
    known = tx.value("SELECT value FROM controller WHERE key = 'uuid'")
    if known is not None:
        return known
    identity = str(uuid.uuid4())
    for key, value in (("uuid", identity), ("name", NAME), ("created", clock.stamp())):
        tx.insert("controller", key=key, value=value)
    clouds.add(
        tx,
        CLOUD,
        "lxd",
        {"auth-types": ["certificate"], "regions": [{"name": "localhost"}]},
    )
    return identity


def _version(tx: Transaction) -> str:
    """The version of Juju to answer as: the environment's release, or what it was before."""
    asked = os.environ.get(release.VARIABLE)
    known = tx.value("SELECT value FROM controller WHERE key = 'version'")
    if known is not None and not asked:
        return known
    version = release.named(asked).version if asked else release.DEFAULT.version
    tx.execute("DELETE FROM controller WHERE key = 'version'")
    tx.insert("controller", key="version", value=version)
    return version


def _tell_version(path: pathlib.Path, version: str) -> None:
    document = json.loads(path.read_text("utf-8"))
    if document.get("version") != version:
        _write_private(path, json.dumps({**document, "version": version}, indent=2))


def _set_password(tx: Transaction, password: str) -> None:
    if tx.one("SELECT 1 FROM users WHERE name = ?", USER):
        accounts.set_password(tx, USER, password)
    else:
        accounts.add_user(tx, USER, password, access="superuser")


def _write_private(path: pathlib.Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


async def serve(home: Home) -> None:
    """Serve until this process is told to stop."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    store = _open_store(home.folder("juju") / "juju.db")
    with contextlib.closing(store):
        describe(home, store)
        warm_start = os.environ.get("SANDBOX_WARM_START") != "off"
        seed = os.environ.get("SANDBOX_SEED")
        engine = Engine(home, store, Settings(warm_start=warm_start, seed=seed))
        api = ApiServer(home, store)
        await engine.start()
        await api.start()
        provisioning = asyncio.ensure_future(Provisioner(home, store).run())
        stopped = asyncio.ensure_future(told.wait())
        _LOGGER.info("serving on %s", home.controller_address)
        await asyncio.wait({provisioning, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failure = provisioning.exception() if provisioning.done() else None
        provisioning.cancel()
        stopped.cancel()
        await asyncio.gather(provisioning, stopped, return_exceptions=True)
        await api.stop()
        await engine.stop()
        if failure is not None:
            raise failure


def _open_store(path: pathlib.Path) -> Store:
    """The store holds secrets: only its owner may read it, and what SQLite puts beside it."""
    path.touch(mode=0o600)
    return Store(path)


def watch_children_by_descriptor() -> None:
    """Before Python 3.12 asyncio has a thread for each child unless it is told of pidfds."""
    if sys.version_info < (3, 12):
        policy = asyncio.get_event_loop_policy()
        policy.set_child_watcher(asyncio.PidfdChildWatcher())


def main() -> int:
    """Run the daemon; 1 when another one already serves this sandbox."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    home = Home.from_environment()
    watch_children_by_descriptor()
    try:
        with single.instance(home.folder("run") / "juju.pid"):
            asyncio.run(serve(home))
    except single.AlreadyRunning as refusal:
        _LOGGER.error("%s", refusal)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
