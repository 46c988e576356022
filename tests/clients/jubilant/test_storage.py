"""Storage that outlives its unit: detached, attached again, removed."""

from __future__ import annotations

import json

import jubilant
import pytest

from tests.clients.jubilant.conftest import settle


def storages(juju) -> dict:
    """What `juju storage` shows, by id."""
    said = juju.cli("storage", "--format", "json").strip()
    return (json.loads(said) if said else {}).get("storage", {})


def until(juju, ready) -> None:
    juju.wait(lambda _status: ready(storages(juju)), delay=0.4, successes=1)


def test_storage_moves_from_unit_to_unit_with_what_is_on_it(juju, charms):
    juju.deploy(charms / "db.charm", storage={"data": "lxd,1G"})
    settle(juju)
    shown = storages(juju)["data/0"]
    assert (shown["kind"], shown["persistent"]) == ("filesystem", True)
    place = shown["attachments"]["units"]["db/0"]["location"]
    juju.exec(f"echo kept > {place}/file", unit="db/0")
    juju.remove_unit("db/0")
    until(juju, lambda shown: shown["data/0"]["status"]["current"] == "detached")
    juju.add_unit("db", attach_storage="data/0")
    settle(juju)
    assert set(storages(juju)) == {"data/0"}
    assert juju.exec(f"cat {place}/file", unit="db/1").stdout == "kept\n"
    juju.cli("remove-storage", "data/0", "--force")
    until(juju, lambda shown: not shown)
    juju.cli("add-storage", "db/1", "data=lxd,2G")
    until(juju, lambda shown: shown["data/1"]["status"]["current"] == "attached")
    juju.remove_application("db")
    until(juju, lambda shown: shown["data/1"]["status"]["current"] == "detached")
    name = str(juju.model)
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.destroy_model(name)
    assert "persistent storage remaining:\n\t1 filesystem\n" in refusal.value.stderr
    juju.destroy_model(name, release_storage=True)


def test_what_storage_cannot_do_is_refused_in_juju_s_words(juju, charms):
    juju.deploy(charms / "db.charm")
    settle(juju)
    for words, message in (
        (("detach-storage", "data/0"), "storage is not detachable"),
        (("remove-storage", "data/0"), "failed to remove data/0: storage is attached"),
        (("attach-storage", "db/0", "data/0"), "failed to attach data/0 to db/0: cannot attach"),
        (("remove-storage", "data/9"), 'storage instance "data/9" not found'),
        (("add-storage", "db/0", "data"), "exceeding the maximum of 1"),
        (("add-storage", "db/0", "logs"), 'charm storage "logs" not found'),
    ):
        with pytest.raises(jubilant.CLIError) as refusal:
            juju.cli(*words)
        assert refusal.value.returncode == 1
        assert message in refusal.value.stderr
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.deploy(charms / "db.charm", "other", storage={"data": "ceph,1G"})
    assert 'pool "ceph" not found' in refusal.value.stderr
