"""The end of a model, with everything in it (state/model.go, state/cleanup.go)."""

from __future__ import annotations

from sandbox.juju import errors
from sandbox.juju.state import (
    applications,
    machines,
    models,
    remote_removal,
    removal,
    statuses,
    storage,
)
from sandbox.juju.state.store import Transaction


def destroy_model(
    tx: Transaction,
    uuid: str,
    *,
    destroy_storage: bool | None = None,
    force: bool = False,
    maximum_wait: float = removal.MAXIMUM_WAIT,
) -> None:
    """Destroy a model with everything in it.

    Raises:
        JujuError: it has storage that outlives machines, and nothing was said about that.
    """
    model = models.get(tx, uuid)
    if model.life != "alive" and not force:
        return
    lasting = any(map(storage.outlives_machine, storage.all_storage(tx, uuid)))
    if lasting and destroy_storage is None:
        raise errors.JujuError(
            "failed to destroy model: model contains persistent storage",
            code="model has persistent storage",
        )
    tx.update("models", {"uuid": uuid}, life="dying")
    statuses.set_status(tx, uuid, "model", "", "destroying")
    tx.touch("model", uuid)
    tx.execute("DELETE FROM storage WHERE model = ? AND owner = ''", uuid)
    remote_removal.destroy_all(tx, uuid, force=force, maximum_wait=maximum_wait)
    for application in applications.all_applications(tx, uuid):
        removal.destroy_application(
            tx,
            uuid,
            application.name,
            destroy_storage=bool(destroy_storage),
            force=force,
            maximum_wait=maximum_wait,
        )
    # Containers come after their hosts in the list, and must end before them.
    for machine in reversed(machines.all_machines(tx, uuid)):
        if force:
            removal.force_machine(tx, uuid, machine.id, maximum_wait)
        elif machine.life == "alive":
            tx.update("machines", {"model": uuid, "id": machine.id}, life="dying")
            tx.touch("machine", uuid, machine.id)
            removal.finish_machine(tx, uuid, machine.id)
    removal.finish_model(tx, uuid)
