"""Charms put in place, and replaced by another revision."""

from __future__ import annotations

import pathlib
import zipfile

import pytest

from sandbox.juju.engine import charm_directory
from sandbox.juju.state import statuses

PATH = "/usr/bin:/bin"


async def test_every_unit_takes_the_new_revision(world):
    """upgrade-charm, then config-changed always; what the charm wrote stays."""
    world.deploy("app", "date > written; echo old > seen", num_units=2, files={"gone.txt": "x"})
    await world.settled()
    assert (world.charm_folder("app/0") / "gone.txt").exists()
    world.refresh("app", "echo new > seen", files={"come.txt": "y"})
    await world.until(lambda: "upgrade-charm" in world.events("app/1"))
    await world.settled()
    for unit in ("app/0", "app/1"):
        assert world.events(unit)[-2:] == ["upgrade-charm", "config-changed"]
        folder = world.charm_folder(unit)
        assert (folder / "written").exists()
        assert (folder / "come.txt").exists()
        assert not (folder / "gone.txt").exists()
        assert world.written(unit, "seen") == "new\n"


async def test_a_new_endpoint_is_created_and_old_ones_are_not_created_again(world):
    world.deploy("app", peers={"old": {"interface": "o"}})
    await world.settled()
    world.refresh("app", peers={"old": {"interface": "o"}, "new": {"interface": "n"}})
    await world.until(lambda: "new-relation-created app" in world.events("app/0"))
    await world.settled()
    events = world.events("app/0")
    assert events[-3:] == ["upgrade-charm", "config-changed", "new-relation-created app"]
    assert events.count("old-relation-created app") == 1


async def test_a_failed_hook_waits_for_the_refresh_unless_it_is_forced(world):
    world.deploy("app", 'if [ "$JUJU_HOOK_NAME" = start ]; then exit 1; fi')
    await world.until(lambda: world.status("app/0") == 'error: hook failed: "start"')
    world.refresh("app", "exit 0", force_units=True)
    await world.settled()
    assert "upgrade-charm" not in world.events("app/0"), "the interrupted hook goes on"
    assert world.do(statuses.agent, "app/0").status == "idle"


def charm(folder: pathlib.Path, name: str, files: dict[str, str]) -> pathlib.Path:
    path = folder / f"{name}.charm"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(inner, text)
        link = zipfile.ZipInfo("venv/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "module.py")
    return path


def test_an_unpacked_charm_is_compiled_and_laid_out_whole(tmp_path):
    path = charm(tmp_path, "one", {"venv/module.py": "x = 1", "src/charm.py": "y = 1"})
    unpacked = charm_directory.unpack(path, tmp_path / "cache", "digest", PATH)
    assert list((unpacked / "venv" / "__pycache__").iterdir())
    target = tmp_path / "unit" / "charm"
    charm_directory.lay_out(unpacked, target)
    assert (target / "venv" / "link").is_symlink()
    assert (target / "venv" / "module.py").samefile(unpacked / "venv" / "module.py")
    assert not (target / "src" / "charm.py").samefile(unpacked / "src" / "charm.py")
    charm_directory.lay_out(unpacked, target)
    assert not list(target.rglob("*.partial"))


def test_laying_out_again_makes_good_what_was_cut_off(tmp_path):
    old = charm_directory.unpack(
        charm(tmp_path, "one", {"a.txt": "1", "deep/b.txt": "1"}), tmp_path / "cache", "1", PATH
    )
    new = charm_directory.unpack(
        charm(tmp_path, "two", {"a.txt": "2", "c.txt": "2"}), tmp_path / "cache", "2", PATH
    )
    target = tmp_path / "unit" / "charm"
    charm_directory.lay_out(old, target)
    (target / "mine.txt").write_text("kept")
    (target / "a.txt").write_text("half")
    (target / "c.txt").write_text("half")
    charm_directory.lay_out(new, target)
    assert {p.name: p.read_text() for p in target.glob("*.txt")} == {
        "a.txt": "2",
        "c.txt": "2",
        "mine.txt": "kept",
    }
    assert not (target / "deep").exists()


def test_an_archive_that_reaches_outside_is_refused(tmp_path):
    path = charm(tmp_path, "evil", {"../outside.txt": "x"})
    with pytest.raises(zipfile.BadZipFile):
        charm_directory.unpack(path, tmp_path / "cache", "digest", PATH)
    assert not (tmp_path / "outside.txt").exists()
