"""Every process of the sandbox's OpenStack: how each is started, and when it is up.

All are values: nothing is started here.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import time

from ..programs import Program
from .layout import Endpoint, Layout

_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_API_THREADS = 4
_PATIENCE = 3.0
"""Seconds for a clean stop; what is not done by then is lost, as in a power cut."""


@dataclasses.dataclass(frozen=True)
class Service:
    """A program, and the address or socket at which it answers once it is up."""

    program: Program
    ready: Endpoint | pathlib.Path | None = None


def mariadb(layout: Layout) -> Service:
    """The database. Its data may be lost in a power cut: speed matters more here."""
    arguments = (
        "/usr/sbin/mariadbd",
        "--no-defaults",
        f"--datadir={layout.data / 'mysql'}",
        f"--bind-address={layout.database.host}",
        f"--port={layout.database.port}",
        f"--socket={mariadb_socket(layout)}",
        f"--pid-file={layout.folder / 'mariadb.pid'}",
        "--user=root",
        "--skip-log-bin",
        "--skip-name-resolve",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=0",
        "--innodb-buffer-pool-size=256M",
        "--max-connections=1000",
        "--performance-schema=0",
        "--character-set-server=utf8mb3",
        "--collation-server=utf8mb3_general_ci",
    )
    return Service(_program(layout, "mariadb", arguments, patience=15.0), layout.database)


def mariadb_socket(layout: Layout) -> pathlib.Path:
    """The database's local socket."""
    return layout.folder / "mariadb.sock"


def rabbitmq(layout: Layout) -> Service:
    """The queue. epmd, which it starts and leaves behind, is a program of its own here."""
    epmd_port, distribution_port = layout.erlang_ports
    folder = layout.made("rabbitmq")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {layout.queue}\n"
        "default_user = sandbox\n"
        f"default_pass = {layout.passwords['rabbit']}\n"
        "loopback_users = none\n"
        "vm_memory_high_watermark.absolute = 1GB\n"
        "disk_free_limit.absolute = 50MB\n"
        "log.console = true\n"
        "log.file = false\n",
        encoding="utf-8",
    )
    (folder / "rabbitmq.conf").chmod(0o600)
    (folder / "enabled_plugins").write_text("[].\n", encoding="ascii")
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"sandbox{layout.home.block}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP": str(folder / "erl_crash.dump"),
        # Without a shell that stays between: one process, which dies with its keeper.
        "RUNNING_UNDER_SYSTEMD": "true",
        # One scheduler that sleeps when idle: two cores have better things to do than to spin.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
    }
    # Its clean stop takes ten seconds, and nothing in it outlives the services that talk by it.
    shutil.rmtree(folder / "mnesia", ignore_errors=True)
    server = ("/usr/lib/rabbitmq/bin/rabbitmq-server",)
    program = _program(layout, "rabbitmq", server, environment, patience=0.0)
    return Service(program, layout.queue)


def epmd(layout: Layout) -> Service:
    """Erlang's port mapper, which RabbitMQ would otherwise start and never end."""
    port, _ = layout.erlang_ports
    arguments = ("epmd", "-port", str(port), "-address", "127.0.0.1")
    return Service(_program(layout, "epmd", arguments), Endpoint("127.0.0.1", port))


def ovn(layout: Layout) -> tuple[Service, ...]:
    """OVN's two databases and the daemon between them."""
    folder = layout.made("ovn")
    databases = [
        Service(
            _program(
                layout,
                f"ovsdb-{name}",
                (
                    "ovsdb-server",
                    f"--remote=ptcp:{at.port}:{at.host}",
                    f"--unixctl={folder}/{name}.ctl",
                    str(layout.data / f"ovn-{name}.db"),
                ),
            ),
            at,
        )
        for name, at in (("nb", layout.ovn_northbound), ("sb", layout.ovn_southbound))
    ]
    northd = _program(
        layout,
        "ovn-northd",
        (
            "ovn-northd",
            f"--ovnnb-db=tcp:{layout.ovn_northbound}",
            f"--ovnsb-db=tcp:{layout.ovn_southbound}",
            f"--unixctl={folder}/northd.ctl",
        ),
    )
    return (*databases, Service(northd))


def chassis_database(layout: Layout, host: str) -> Service:
    """The database of a hypervisor's switch."""
    folder, environment = _chassis(layout, host)
    arguments = (
        "ovsdb-server",
        f"--remote=punix:{folder}/db.sock",
        f"--unixctl={folder}/ovsdb.ctl",
        f"{folder}/conf.db",
    )
    return Service(_program(layout, f"ovsdb-{host}", arguments, environment), folder / "db.sock")


def chassis(layout: Layout, host: str) -> tuple[Service, ...]:
    """A hypervisor's switch, without a kernel, and the controller that OVN has on it."""
    folder, environment = _chassis(layout, host)
    switch = (
        "ovs-vswitchd",
        "--enable-dummy=override",
        "--disable-system",
        f"--unixctl={folder}/vswitchd.ctl",
        f"unix:{folder}/db.sock",
    )
    controller = ("ovn-controller", f"unix:{folder}/db.sock")
    return (
        Service(_program(layout, f"ovs-{host}", switch, environment)),
        Service(_program(layout, f"ovn-controller-{host}", controller, environment)),
    )


def _chassis(layout: Layout, host: str) -> tuple[pathlib.Path, dict[str, str]]:
    folder = layout.made("ovn", host)
    names = ("OVS_RUNDIR", "OVN_RUNDIR", "OVS_LOGDIR", "OVN_LOGDIR", "OVS_DBDIR")
    return folder, dict.fromkeys(names, str(folder))


def keystone(layout: Layout) -> Service:
    """The identity API."""
    folder = layout.configuration("keystone")
    environment = {
        "OS_KEYSTONE_CONFIG_FILES": f"{folder}/keystone.conf",
        "OS_KEYSTONE_CONFIG_DIR": str(folder),
    }
    return _api(layout, "keystone", "keystone.wsgi.api", layout.keystone, environment)


def apis(layout: Layout) -> tuple[Service, ...]:
    """Every API but keystone's."""
    glance, neutron = layout.configuration("glance"), layout.configuration("neutron")
    cinder = f"--config-file={layout.configuration('cinder')}/cinder.conf"
    return (
        _api(
            layout,
            "placement",
            "placement.wsgi.api",
            layout.placement,
            {"OS_PLACEMENT_CONFIG_DIR": str(layout.configuration("placement"))},
        ),
        _api(
            layout,
            "glance",
            "glance.wsgi.api",
            layout.glance,
            {"OS_GLANCE_CONFIG_DIR": str(glance)},
        ),
        _api(
            layout,
            "neutron",
            "neutron.wsgi.api",
            layout.neutron,
            {"OS_NEUTRON_CONFIG_DIR": str(neutron), "OS_NEUTRON_CONFIG_FILES": "neutron.conf"},
            # OVN's driver tells the workers of one start from those of another by it.
            "--set",
            f"start-time={int(time.time())}",
        ),
        _api(
            layout,
            "nova",
            "nova.wsgi.osapi_compute",
            layout.nova,
            {"OS_NOVA_CONFIG_DIR": str(layout.configuration("nova"))},
        ),
        _api(layout, "cinder", "cinder.wsgi.api", layout.cinder, {}, "--pyargv", cinder),
    )


def workers(layout: Layout) -> tuple[Service, ...]:
    """What works behind the APIs."""
    return tuple(
        Service(
            _program(
                layout,
                name,
                (
                    layout.program(name),
                    f"--config-file={layout.configuration(service)}/{service}.conf",
                ),
            )
        )
        for name, service in (
            ("neutron-ovn-maintenance-worker", "neutron"),
            ("nova-conductor", "nova"),
            ("nova-scheduler", "nova"),
            ("cinder-scheduler", "cinder"),
            ("cinder-volume", "cinder"),
        )
    )


def nova_compute(layout: Layout, host: str) -> Service:
    """The nova-compute process of a hypervisor."""
    configuration = layout.configuration(f"compute-{host}") / "nova.conf"
    arguments = (layout.program("nova-compute"), f"--config-file={configuration}")
    return Service(_program(layout, f"nova-compute-{host}", arguments))


def _api(
    layout: Layout,
    name: str,
    module: str,
    at: Endpoint,
    environment: dict[str, str],
    *more: str,
) -> Service:
    arguments = (
        layout.program("uwsgi"),
        *("--http-socket", str(at)),
        *("--module", f"{module}:application"),
        *("--master", "--processes", "1", "--threads", str(_API_THREADS), "--enable-threads"),
        *("--lazy-apps", "--need-app", "--single-interpreter", "--thunder-lock"),
        *("--die-on-term", "--no-orphans", "--disable-logging", "--log-4xx"),
        *("--buffer-size", "65535", "--http-chunked-input", "--chunked-input-limit", "8388608"),
        # uwsgi's plain HTTP socket closes after each answer: clients that are not told reuse it.
        *("--add-header", "Connection: close"),
        *more,
    )
    return Service(_program(layout, name, arguments, environment), at)


def _program(
    layout: Layout,
    name: str,
    arguments: tuple[str, ...],
    environment: dict[str, str] | None = None,
    *,
    patience: float = _PATIENCE,
) -> Program:
    return Program(
        name=name,
        arguments=arguments,
        patience=patience,
        with_keeper=True,
        log=layout.made("log") / f"{name}.log",
        environment={
            "PATH": f"{layout.environment / 'bin'}:{_SYSTEM_PATH}",
            "LANG": "C.UTF-8",
            "HOME": str(layout.folder),
            **layout.home.environment,
            # Titles that workers give themselves must not overwrite what they are found by.
            "SPT_NOENV": "1",
            "SANDBOX_DAEMON": f"openstack-{name}",
            **(environment or {}),
        },
    )
