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
    juju.remove_application("db")
    until(juju, lambda shown: shown["data/0"]["status"]["current"] == "detached")
    name = str(juju.model)
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.destroy_model(name)
    assert "persistent storage remaining:\n\t1 filesystem\n" in refusal.value.stderr
    juju.destroy_model(name, release_storage=True)


def test_storage_comes_beside_what_is_there_and_goes(juju, charms):
    juju.deploy(charms / "archive.charm")
    settle(juju)
    assert storages(juju) == {}
    juju.cli("add-storage", "archive/0", "dump=lxd,2G")
    until(juju, lambda shown: shown["dump/0"]["status"]["current"] == "attached")
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.cli("add-storage", "archive/0", "dump=lxd,2G")
    assert refusal.value.stderr == (
        'failed to add storage "dump" to archive/0: attaching 1 storage instance brings the total'
        " to 2, exceeding the maximum of 1\n"
    )
    juju.cli("remove-storage", "dump/0", "--force")
    until(juju, lambda shown: not shown)


def test_what_storage_cannot_do_is_refused_in_juju_s_words(juju, charms):
    juju.deploy(charms / "db.charm")
    settle(juju)
    juju.cli("attach-storage", "db/0", "data/0")  # it has it already
    singular = "cannot detach, storage is singular"
    for words, said in (
        (
            ("detach-storage", "data/0"),
            f"failed to detach data/0: cannot destroy storage attachment data/0:db/0: {singular}",
        ),
        (
            ("remove-storage", "data/0"),
            'failed to remove data/0: cannot destroy storage "data/0": storage is attached\n\n'
            "Use the --force option to remove attached storage, or use\n"
            '"juju detach-storage" to explicitly detach the storage\nbefore removing.',
        ),
        (
            ("remove-storage", "data/0", "--force"),
            f'failed to remove data/0: cannot destroy storage "data/0": {singular}',
        ),
        (
            ("attach-storage", "db/0", "data/9"),
            "failed to attach data/9 to db/0: cannot attach storage data/9 to unit db/0:"
            ' storage instance "data/9" not found',
        ),
        (
            ("attach-storage", "db/0", "data", "x/1"),
            'ERROR could not attach storage [data x/1]: storage ID "data" not valid',
        ),
        (
            ("detach-storage", "data/9"),
            'failed to detach data/9: storage instance "data/9" not found',
        ),
        (("detach-storage", "nine"), 'ERROR storage ID "nine" not valid'),
        (
            ("remove-storage", "data/9", "--no-destroy"),
            'failed to remove data/9: cannot release storage "data/9":'
            ' storage instance "data/9" not found',
        ),
        (
            ("add-storage", "db/0", "data"),
            'failed to add storage "data" to db/0: cannot attach, storage is singular',
        ),
        (
            ("add-storage", "db/0", "logs", "data"),
            'failed to add storage "data" to db/0: cannot attach, storage is singular\n'
            'failed to add storage "logs" to db/0: charm storage "logs" not found',
        ),
        (("add-storage", "db/9", "data", "logs"), 'unit "db/9" not found'),
    ):
        with pytest.raises(jubilant.CLIError) as refusal:
            juju.cli(*words)
        assert (refusal.value.returncode, refusal.value.stderr.strip()) == (1, said), words
    with pytest.raises(jubilant.CLIError) as refusal:
        juju.deploy(charms / "db.charm", "other", storage={"data": "ceph,1G"})
    assert 'pool "ceph" not found' in refusal.value.stderr
