"""Which machines that Juju gave up on are worth another try, given what the pool has ready.

Juju tries a machine eleven times, ten seconds apart, and then leaves it in `provisioning error`
for good. When bare metal takes longer than that to become ready, somebody has to ask again.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloud import Cloud

ROLE_TAG = "openstack-"
"""The tag of a role in MAAS is this and the role's name."""


def to_retry(cloud: Cloud, ready: Mapping[str, int]) -> tuple[str, ...]:
    """The ids of machines to provision again: never more per role than the pool has ready.

    A machine that Juju is still trying, or was asked to try again, counts as a taker of one
    that is ready.

    Args:
        cloud: the model.
        ready: role -> machines of the pool that are ready for it.
    """
    free = dict(ready)
    for machine in cloud.machines.values():
        if not machine.provisioned and not machine.unmatched:
            for role in _roles(machine.tags):
                free[role] = free.get(role, 0) - 1
    chosen: list[str] = []
    for machine in cloud.machines.values():
        roles = _roles(machine.tags)
        if machine.unmatched and roles and all(free.get(role, 0) > 0 for role in roles):
            chosen.append(machine.id)
            for role in roles:
                free[role] -= 1
    return tuple(chosen)


def _roles(tags: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(tag.removeprefix(ROLE_TAG) for tag in tags if tag.startswith(ROLE_TAG)))
