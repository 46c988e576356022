"""The maas-bmc charm, event by event, against a running MAAS over TLS."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import sys

import pytest
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, read_observation
from charms.maas_bmc.v0.baremetal_nodes_testing import requirer_relation
from charms.openstack_coordinator.v0 import tick
from ops import testing

from sandbox.authority import Authority
from tests.integration.metal.conftest import Metal

SOURCE = pathlib.Path(__file__).parents[3] / "charms" / "maas-bmc" / "src" / "charm.py"


def _load() -> type:
    """The charm under a name of its own: each charm's main module is called `charm`."""
    name = "maas_bmc_charm"
    specification = importlib.util.spec_from_file_location(name, SOURCE)
    if specification is None or specification.loader is None:
        raise ImportError(SOURCE)
    sys.modules[name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(sys.modules[name])
    return sys.modules[name].MaasBmcCharm


CHARM = _load()


@pytest.fixture(autouse=True)
def _nothing_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tick.Ticker, "ensure", lambda *_: None)


def _run(
    metal: Metal, *relations: testing.RelationBase, key: str = "", ca: str = ""
) -> tuple[testing.State, str]:
    """The state after config-changed, and all that others could read of it."""
    known = metal.key
    text = key or f"{known.consumer}:{known.token}:{known.secret}"
    secret = testing.Secret({"api-key": text})
    config = {
        "maas-url": metal.url,
        "maas-credentials": secret.id,
        "ca-bundle": ca or metal.ca_file.read_text(encoding="ascii"),
    }
    context = testing.Context(CHARM, charm_root=SOURCE.parents[1])
    state = testing.State(
        leader=True,
        relations=[testing.PeerRelation("units"), *relations],
        secrets=[secret],
        config=config,
    )
    after = context.run(context.on.config_changed(), state)
    databags = [dict(relation.local_app_data) for relation in after.relations]
    logs = [entry.message for entry in context.juju_log]
    return after, json.dumps([databags, logs, repr(after.unit_status)])


def test_the_whole_fleet_is_published_and_no_secret_with_it(metal: Metal) -> None:
    relation = requirer_relation()
    after, readable = _run(metal, relation)
    assert isinstance(after.unit_status, testing.ActiveStatus)
    assert after.unit_status.message.startswith("24 machines: ")
    observation = read_observation(after.get_relation(relation.id).local_app_data)
    assert len(observation.machines) == 24
    assert metal.key.secret not in readable
    with_passwords = (metal.home.folder("bmc") / "credentials.json").read_text(encoding="utf-8")
    for account in json.loads(with_passwords).values():
        assert account["password"] not in readable


def test_a_wish_on_the_relation_is_carried_out(metal: Metal) -> None:
    system_id = metal.named("node19").system_id
    relation = requirer_relation([DesiredMachine(system_id=system_id, generation=1, role="osd")])
    after, _ = _run(metal, relation)
    machine = read_observation(after.get_relation(relation.id).local_app_data).machines[system_id]
    assert (machine.role, machine.carried_out, machine.refusal) == ("osd", 1, "")


def test_a_region_whose_ca_is_another_one_is_not_trusted(
    metal: Metal, tmp_path: pathlib.Path
) -> None:
    after, readable = _run(metal, ca=Authority(tmp_path).pem)
    assert isinstance(after.unit_status, testing.BlockedStatus)
    assert "cannot be verified" in after.unit_status.message
    assert "set ca-bundle to the CA that signed it" in after.unit_status.message
    assert metal.key.secret not in readable


def test_a_wrong_key_blocks_and_the_right_one_is_not_shown(metal: Metal) -> None:
    """The real answer to a wrong secret holds the right one."""
    key = metal.key
    after, readable = _run(metal, key=f"{key.consumer}:{key.token}:wrong-secret")
    assert isinstance(after.unit_status, testing.BlockedStatus)
    assert "does not accept the API key (401)" in after.unit_status.message
    assert key.secret not in readable
    assert "wrong-secret" not in readable
