"""What actions answer, in the words of the real charms."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import actions
from sandbox.charmhub.runtime.world import World


@pytest.fixture
def keystone() -> dict[str, Any]:
    description = descriptions.load()["keystone"]
    compiled = descriptions.compiled(description, description.releases[-1])
    return {**compiled, "upgrade-takes": 0}


@pytest.mark.parametrize(
    ("origin", "managed", "outcome", "release"),
    [
        ("caracal", True, "success, upgrade completed", "caracal"),
        ("bobcat", True, "no upgrade available", "bobcat"),
        ("caracal", False, "action-managed-upgrade config is False, skipped upgrade", "bobcat"),
    ],
)
def test_openstack_upgrade_says_what_became_of_it(keystone, origin, managed, outcome, release):
    config = {"openstack-origin": origin, "action-managed-upgrade": managed}
    unit = World("keystone/0", release="bobcat", config=config)

    assert actions.run(keystone, unit, "openstack-upgrade") == {"outcome": outcome}

    assert unit.release == release
