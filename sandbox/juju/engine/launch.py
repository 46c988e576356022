"""Starting a process in a unit's context, and what it needs for that."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.environment import Surroundings, variables
from sandbox.juju.engine.memory import UnitMemory
from sandbox.juju.engine.output import Stream
from sandbox.juju.engine.process import Command, Ended, Process, WarmStart
from sandbox.juju.state import machines, models, runs, storage

_PROXIES = ("http-proxy", "https-proxy", "ftp-proxy", "no-proxy")


def handler(charm: pathlib.Path, kind: str, name: str) -> tuple[pathlib.Path, str] | None:
    """The program that handles a hook or action, and how Juju calls it; None if there is none.

    `kind` is hooks or actions.
    """
    dispatch = charm / "dispatch"
    if dispatch.exists():
        return dispatch, "hook dispatching script: dispatch"
    script = charm / kind / name
    return (script, "explicit, bespoke hook script") if script.exists() else None


async def launch(
    memory: UnitMemory,
    context: HookContext,
    run: int,
    argv: list[str],
    *,
    dispatch_path: str = "",
    script: str | None = None,
    on_line: Callable[[Stream, str], None] | None = None,
) -> Ended:
    """Run a process in a context to its end.

    Raises:
        OSError: it cannot be executed.
    """
    runtime = memory.runtime
    where = _surroundings(memory, context)
    environment = variables(context, where)
    environment |= {"SANDBOX_HOME": str(runtime.home.path), "SANDBOX_MODEL": memory.model}
    if dispatch_path:
        environment["JUJU_DISPATCH_PATH"] = dispatch_path
    runtime.contexts[context.id] = context
    try:
        command = Command(argv, where.charm_folder, environment, script)
        warm = await _warm_start(memory, command)
        process = await Process.start(command, on_line, warm)
        memory.started(process)
        context.kill = process.kill
        with runtime.store.transaction() as tx:
            runs.set_process(tx, run, process.pid)
        return await process.wait()
    finally:
        memory.process = None
        del runtime.contexts[context.id]


async def _warm_start(memory: UnitMemory, command: Command) -> WarmStart | None:
    """Where to fork the run from; until its charm is installed a unit's runs are started."""
    if not memory.local.installed or command.script is not None:
        return None
    found = await memory.runtime.warm_start.interpreter(
        command.folder, command.argv[0], command.environment
    )
    return None if found is None else WarmStart(*found)


def _surroundings(memory: UnitMemory, context: HookContext) -> Surroundings:
    runtime, model, unit = memory.runtime, memory.model, context.unit
    location, kind = "", ""
    with runtime.store.transaction() as tx:
        config = models.get_config(tx, model)
        zone, hostname = "", ""
        if unit.machine:
            machine = machines.get(tx, model, unit.machine)
            zone, hostname = machine.hardware.get("availability-zone", ""), machine.hostname
        if context.hook is not None and context.hook.storage:
            found = storage.get(tx, model, context.hook.storage)
            location, kind = found.location, found.kind
        name = models.get(tx, model).name
    proxies = tuple((key, str(config[key])) for key in _PROXIES if config.get(key))
    http, https, ftp, none = (str(config.get(f"juju-{key}") or "") for key in _PROXIES)
    return Surroundings(
        charm_folder=runtime.unit_folder(model, unit.name) / "charm",
        tools=runtime.tools,
        socket=runtime.socket,
        api_addresses=(runtime.api_address,),
        model_name=name,
        hostname=hostname,
        availability_zone=zone or "",
        storage_location=location,
        storage_kind=kind,
        proxies=proxies,
        charm_proxies=(http, https, ftp, none),
    )
