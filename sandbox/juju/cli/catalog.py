"""Which module holds which command, so that a command imports only what it needs."""

from __future__ import annotations

from collections.abc import Mapping

_BY_MODULE: Mapping[str, str] = {
    "help": "help version",
    "status": "status machines list-machines show-machine",
    "models": "models list-models add-model show-model destroy-model switch",
    "clouds": "clouds list-clouds add-cloud update-cloud remove-cloud show-cloud",
    "credentials": (
        "credentials list-credentials add-credential update-credential remove-credential "
        "show-credential show-credentials"
    ),
    "config": "config trust constraints get-constraints set-constraints",
    "model_config": ("model-config model-constraints get-model-constraints set-model-constraints"),
    "deploy": "deploy",
    "units": "add-unit add-machine retry-provisioning resolved resolve",
    "removal": "remove-unit remove-application remove-machine",
    "relations": (
        "integrate relate add-relation remove-relation suspend-relation resume-relation"
    ),
    "actions": "run exec actions list-actions show-action",
    "secrets": (
        "secrets list-secrets add-secret update-secret show-secret grant-secret revoke-secret "
        "remove-secret"
    ),
    "users": "users add-user remove-user change-user-password grant revoke",
    "show": "show-unit show-application",
    "debug_log": "debug-log",
    "refresh": "refresh",
    "wait_for": "wait-for",
    "operations": "operations list-operations show-operation show-task cancel-task",
    "controllers": "controllers list-controllers show-controller whoami",
    "exposure": "expose unexpose",
    "history": "show-status-log",
    "spaces": "spaces list-spaces reload-spaces subnets list-subnets bind",
    "storage": "storage list-storage show-storage",
    "storage_changes": "add-storage attach-storage detach-storage remove-storage",
    "export_bundle": "export-bundle",
    "remote_shell": "ssh scp",
    "ssh_keys": "ssh-keys list-ssh-keys add-ssh-key remove-ssh-key",
    "resources": "resources list-resources attach-resource",
    "charmhub": "find info",
    "offer_search": "find-offers show-offer",
    "offers": "offer consume offers list-offers remove-offer remove-saas",
}

COMMANDS: Mapping[str, str] = {
    name: module for module, names in _BY_MODULE.items() for name in names.split()
}
"""Command or alias -> module of this package."""

STARTER: Mapping[str, str] = {
    "add-model": "Adds a workload model.",
    "deploy": "Deploys a new application or bundle.",
    "status": "Report the status of the model, its machines, applications and units.",
    "integrate": "Integrate two applications.",
    "run": "Run an action on a specified unit.",
    "config": "Get, set, or reset configuration for a deployed application.",
    "destroy-model": "Terminate all machines/containers and resources for a model.",
}
