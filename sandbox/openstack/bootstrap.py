"""Making the data that the services start from: databases, keys, accounts and the catalogue.

It takes minutes, so what it makes is kept in the cache of the source tree, by the versions of
everything that shaped it, and a second sandbox starts from a copy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Awaitable, Callable

from . import configuration, endpoints, programs
from .environment import ROOT
from .layout import DATABASES, REGION, SERVICE_USERS, Layout

_DISTRIBUTION = ("mariadb-server", "ovn-common", "openvswitch-common")


class BootstrapError(Exception):
    """A command of the bootstrap failed; the message names it and ends with what it said."""


Running = Callable[[programs.Service], Awaitable[None]]
"""Starts a service and returns when it is up; it runs until the bootstrap is over."""


async def cache_key() -> str:
    """What the data depends on: our own bootstrap, the locked services, the distribution's."""
    here = pathlib.Path(__file__)
    digest = hashlib.sha256()
    for file in (here, here.with_name("uv.lock"), here.with_name("catalogue.py")):
        digest.update(file.read_bytes())
    digest.update((await _run("dpkg-query", "--show", *_DISTRIBUTION)).encode())
    return digest.hexdigest()[:16]


def _kept(key: str) -> pathlib.Path:
    """Where data of this key is kept, for sandboxes of any block.

    The only addresses in it are those of the catalogue, and each start sets them.
    """
    return ROOT / ".cache" / "openstack-data" / key


def restore(layout: Layout, key: str) -> bool:
    """Start from kept data; False when none of this key is kept."""
    kept = _kept(key)
    if not kept.exists():
        return False
    part = layout.folder / "data.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(kept, part)
    shutil.rmtree(layout.data, ignore_errors=True)
    part.rename(layout.data)
    return True


def keep(layout: Layout, key: str) -> None:
    """Keep this data for other sandboxes; the database must be down."""
    kept = _kept(key)
    part = kept.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(layout.data, part)
    shutil.rmtree(kept, ignore_errors=True)
    part.rename(kept)
    # What other versions had made will not be asked for again.
    for other in kept.parent.iterdir():
        if other.name != key:
            shutil.rmtree(other, ignore_errors=True)


async def make(layout: Layout, running: Running) -> None:
    """Make the data from nothing, with the database and keystone running meanwhile."""
    configuration.write_all(layout)
    await _make_ovn(layout)
    await _make_database(layout, running)
    await asyncio.gather(
        _make_keystone(layout, running),
        _make_nova(layout),
        _manage(layout, "placement", "placement-manage", "db", "sync"),
        _manage(layout, "glance", "glance-manage", "db_sync", file="glance-api.conf"),
        _manage(layout, "neutron", "neutron-db-manage", "upgrade", "heads"),
        _manage(layout, "cinder", "cinder-manage", "db", "sync"),
    )


async def _make_ovn(layout: Layout) -> None:
    for name in ("nb", "sb"):
        schema = f"/usr/share/ovn/ovn-{name}.ovsschema"
        database = layout.data / f"ovn-{name}.db"
        database.unlink(missing_ok=True)
        await _run("ovsdb-tool", "create", str(database), schema)


async def _make_database(layout: Layout, running: Running) -> None:
    folder = layout.data / "mysql"
    shutil.rmtree(folder, ignore_errors=True)
    await _run(
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={folder}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--user=root",
    )
    await running(programs.mariadb(layout))
    password = layout.passwords["database"]
    statements = [
        *(f"CREATE DATABASE {name} CHARACTER SET utf8mb3;" for name in DATABASES),
        f"CREATE USER 'sandbox'@'127.%' IDENTIFIED BY '{password}';",
        "GRANT ALL ON *.* TO 'sandbox'@'127.%';",
        "DROP USER 'root'@'127.0.0.1', 'root'@'::1';",
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';",
    ]
    socket = f"--socket={programs.mariadb_socket(layout)}"
    await _run("mariadb", "--no-defaults", socket, "-uroot", stdin="\n".join(statements))


async def _make_keystone(layout: Layout, running: Running) -> None:
    owner = ("--keystone-user", "root", "--keystone-group", "root")
    await _manage(layout, "keystone", "keystone-manage", "db_sync")
    for command in ("fernet_setup", "credential_setup"):
        await _manage(layout, "keystone", "keystone-manage", command, *owner)
    await _manage(
        layout,
        "keystone",
        "keystone-manage",
        "bootstrap",
        *("--bootstrap-region-id", REGION),
        *("--bootstrap-admin-url", layout.identity_url),
        *("--bootstrap-internal-url", layout.identity_url),
        *("--bootstrap-public-url", layout.identity_url),
        environment={"OS_BOOTSTRAP_PASSWORD": layout.passwords["admin"]},
    )
    await running(programs.keystone(layout))
    await _make_catalogue(layout)


async def _make_catalogue(layout: Layout) -> None:
    """The service accounts and the endpoints."""
    script = pathlib.Path(__file__).with_name("catalogue.py")
    wanted = {
        "region": REGION,
        "users": {user: layout.passwords[user] for user in SERVICE_USERS},
        "endpoints": [
            [entry.user, entry.kind, entry.own_url(layout)] for entry in endpoints.CATALOGUE
        ],
    }
    environment = admin_environment(layout)
    words = (layout.program("python"), str(script))
    await _run(*words, stdin=json.dumps(wanted), environment=environment)


def admin_environment(layout: Layout) -> dict[str, str]:
    """The variables by which OpenStack's clients authenticate as the administrator."""
    return {
        "OS_AUTH_URL": layout.identity_url,
        "OS_USERNAME": "admin",
        "OS_PASSWORD": layout.passwords["admin"],
        "OS_PROJECT_NAME": "admin",
        "OS_USER_DOMAIN_NAME": "Default",
        "OS_PROJECT_DOMAIN_NAME": "Default",
        "OS_REGION_NAME": REGION,
        "OS_IDENTITY_API_VERSION": "3",
    }


async def _make_nova(layout: Layout) -> None:
    # Nova fills these in from its configuration: the data fits a sandbox of any block.
    server = "{scheme}://{username}:{password}@{hostname}:{port}"
    database, queue = "--database_connection", "--transport-url"
    cell1 = (database, f"{server}/{{path}}?{{query}}", queue, f"{server}/")
    for words in (
        ("api_db", "sync"),
        ("cell_v2", "map_cell0", database, f"{server}/nova_cell0?{{query}}"),
        ("cell_v2", "create_cell", "--name", "cell1", *cell1),
        ("db", "sync"),
    ):
        await _manage(layout, "nova", "nova-manage", *words)


async def _manage(
    layout: Layout,
    service: str,
    program: str,
    *words: str,
    file: str = "",
    environment: dict[str, str] | None = None,
) -> None:
    path = layout.configuration(service) / (file or f"{service}.conf")
    await _run(layout.program(program), f"--config-file={path}", *words, environment=environment)


async def _run(*words: str, stdin: str = "", environment: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *words,
        env={**os.environ, **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(stdin.encode())
    if process.returncode:
        said = output.decode(errors="replace")[-3000:]
        raise BootstrapError(f"{pathlib.Path(words[0]).name} {words[1]} failed:\n{said}")
    return output.decode()
