"""A refresh brings the charm's resources along, as `juju refresh` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import juju_api
import pytest
from charms.openstack_coordinator.v0 import juju_session

ORIGIN = {"source": "charm-hub", "track": "1.8", "risk": "stable", "base": {"name": "ubuntu"}}
DECLARED = {
    "core": {"name": "core", "type": "file", "path": "core.snap", "description": ""},
    "vault": {"name": "vault", "type": "file", "path": "vault.snap", "description": "x"},
}


class Controller:
    """Answers the calls of a refresh, and remembers them."""

    def __init__(self, current: list[dict[str, Any]], declared: dict[str, Any]) -> None:
        self.current, self.declared = current, declared
        self.asked: dict[str, dict[str, Any]] = {}
        self.refuses = ""

    async def call(self, facade: str, request: str, **params: Any) -> Mapping[str, Any]:
        self.asked[request] = params
        if request == self.refuses:
            return {"error": {"message": "no such resource", "code": "not found"}}
        return {
            "GetCharmURLOrigin": {"url": "ch:amd64/vault-500", "charm-origin": ORIGIN},
            "AddCharm": {"charm-origin": {**ORIGIN, "revision": 507}},
            "CharmInfo": {"meta": {"resources": self.declared}},
            "AddPendingResources": {
                "pending-ids": [f"id-{r['name']}" for r in params.get("resources", ())]
            },
        }.get(request, {})

    async def call_one(self, facade: str, request: str, **params: Any) -> Mapping[str, Any]:
        self.asked[request] = params
        if request == "ListResources":
            return {"resources": self.current}
        return {"url": "ch:amd64/vault-507", "charm-origin": {**ORIGIN, "revision": 507}}

    async def refresh(self) -> dict[str, str]:
        session: Any = self
        await juju_api.Model(session, "uuid").refresh("vault", "1.8/stable", None)
        return self.asked["SetCharm"]["resource-ids"]


def held(name: str, revision: int, origin: str = "store") -> dict[str, Any]:
    return {"name": name, "revision": revision, "origin": origin}


async def test_the_resources_that_charmhub_has_come_with_the_charm() -> None:
    controller = Controller([held("core", 3)], DECLARED)
    assert await controller.refresh() == {"core": "id-core", "vault": "id-vault"}
    asked = controller.asked["AddPendingResources"]
    assert asked["tag"] == "application-vault"
    assert asked["url"] == "ch:amd64/vault-507"
    assert asked["resources"][0] == {
        "name": "core",
        "type": "file",
        "path": "core.snap",
        "description": "",
        "origin": "store",
        "revision": -1,
    }


async def test_what_an_operator_uploaded_stays_his() -> None:
    uploaded = [held("core", 0, "upload"), held("vault", 9, "upload")]
    assert await Controller(uploaded[:1], DECLARED).refresh() == {"vault": "id-vault"}
    controller = Controller(uploaded, DECLARED)
    assert await controller.refresh() == {}
    assert "AddPendingResources" not in controller.asked


async def test_a_charm_without_resources_takes_no_further_request() -> None:
    controller = Controller([], {})
    assert await controller.refresh() == {}
    assert "ListResources" not in controller.asked


async def test_a_resource_that_juju_refuses_stops_the_refresh() -> None:
    controller = Controller([], DECLARED)
    controller.refuses = "AddPendingResources"
    with pytest.raises(juju_session.RequestRefused, match="no such resource"):
        await controller.refresh()
    assert "SetCharm" not in controller.asked
