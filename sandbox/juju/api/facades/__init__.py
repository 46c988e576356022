"""Every facade that the controller serves."""

from __future__ import annotations

from sandbox.juju.api.facades import (
    action,
    annotation,
    application,
    bundle,
    charms,
    client,
    cloud,
    controller,
    high_availability,
    key_manager,
    machine_manager,
    model_config,
    model_manager,
    pinger,
    resources,
    secret_backends,
    secrets,
    spaces,
    ssh_client,
    storage,
    user_manager,
    watchers,
)
from sandbox.juju.api.registry import Facade

FACADES: tuple[Facade, ...] = (
    *action.FACADES,
    *annotation.FACADES,
    *application.FACADES,
    *bundle.FACADES,
    *charms.FACADES,
    *client.FACADES,
    *cloud.FACADES,
    *controller.FACADES,
    *high_availability.FACADES,
    *key_manager.FACADES,
    *machine_manager.FACADES,
    *model_config.FACADES,
    *model_manager.FACADES,
    *pinger.FACADES,
    *resources.FACADES,
    *secret_backends.FACADES,
    *secrets.FACADES,
    *spaces.FACADES,
    *ssh_client.FACADES,
    *storage.FACADES,
    *user_manager.FACADES,
    *watchers.FACADES,
)
