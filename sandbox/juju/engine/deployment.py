"""Putting a unit's charm in place, and clearing away what a unit that is gone left behind."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import zipfile

from sandbox import processes
from sandbox.juju.engine import charm_directory
from sandbox.juju.engine.environment import SYSTEM_PATH
from sandbox.juju.engine.local import begin_deploy, end_deploy
from sandbox.juju.engine.memory import UnitMemory
from sandbox.juju.engine.operations import Deploy
from sandbox.juju.engine.runtime import Runtime
from sandbox.juju.state import charms, lifecycle


async def deploy(memory: UnitMemory, operation: Deploy) -> bool:
    """Lay out the charm that a unit is to run; False where that failed and is to be repeated.

    The unit counts as running the charm from the start: a controller that is killed in the
    middle does it again.
    """
    runtime = memory.runtime
    with runtime.store.transaction() as tx:
        charm = charms.get(tx, memory.model, operation.charm_url)
        tx.update(
            "units", {"model": memory.model, "name": memory.unit}, charm_url=operation.charm_url
        )
        tx.touch("unit", memory.model, memory.unit)
        previous = memory.local.charm_url
        memory.save(tx, begin_deploy(memory.local, operation.charm_url))
    folder = runtime.unit_folder(memory.model, memory.unit) / "charm"
    runtime.warm_start.drop(folder)
    try:
        async with runtime.unpacking_lock(charm.sha256):
            unpacked = await asyncio.to_thread(
                charm_directory.unpack,
                pathlib.Path(charm.archive),
                runtime.charm_cache,
                charm.sha256,
                SYSTEM_PATH,
            )
        await asyncio.to_thread(charm_directory.lay_out, unpacked, folder)
    except (OSError, zipfile.BadZipFile) as error:
        memory.log("ERROR", "juju.worker.uniter.charm", f"cannot deploy {charm.url}: {error}")
        memory.set_agent_status("failed", "resolver loop error")
        return False
    with runtime.store.transaction() as tx:
        if previous not in ("", operation.charm_url):
            lifecycle.forget_unused_charm(tx, memory.model, previous)
        memory.save(tx, end_deploy(memory.local, operation.charm_version))
    return True


async def clear(runtime: Runtime, model: str, unit: str) -> None:
    """End what a unit that is gone left running, and remove its folder."""
    runtime.warm_start.drop(runtime.unit_folder(model, unit) / "charm")
    await end_processes(runtime, model, unit)
    folder = runtime.unit_folder(model, unit)
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def end_processes(runtime: Runtime, model: str, unit: str) -> None:
    """End every process that descends from a unit's hooks, whatever session it is in."""
    left = processes.matching(
        SANDBOX_HOME=str(runtime.home.path), JUJU_MODEL_UUID=model, JUJU_UNIT_NAME=unit
    )
    if left:
        await asyncio.to_thread(processes.end, left, patience=runtime.settings.patience)
