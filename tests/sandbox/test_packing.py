"""Packing: what changes a charm packs it again, and nothing else does."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import pytest

from sandbox import packing


@pytest.fixture
def tree(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A small repository of the same layout, with a charm and the libraries."""
    for path in ("charms/maas-bmc/src/charm.py", "charms/other/src/charm.py", "lib/charms/a.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path, encoding="utf-8")
    shutil.copy(packing.ROOT / "uv.lock", tmp_path)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.setattr(packing, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", ["charms/maas-bmc/src/charm.py", "lib/charms/a.py", "uv.lock"])
def test_a_change_of_a_source_packs_again(tree: pathlib.Path, path: str):
    before = packing._fingerprint("maas-bmc")

    (tree / path).write_text("changed", encoding="utf-8")

    assert packing._fingerprint("maas-bmc") != before


@pytest.mark.parametrize(
    "path",
    ["charms/other/src/charm.py", "charms/maas-bmc/tests/unit/test_a.py", "charms/maas-bmc/a.md"],
)
def test_a_change_of_what_is_not_packed_does_not(tree: pathlib.Path, path: str):
    before = packing._fingerprint("maas-bmc")
    (tree / path).parent.mkdir(parents=True, exist_ok=True)

    (tree / path).write_text("changed", encoding="utf-8")

    assert packing._fingerprint("maas-bmc") == before


def test_a_packed_charm_lies_where_the_bundles_look_for_it():
    bundle = (packing.ROOT / "bundles" / "full-stack.yaml").read_text(encoding="utf-8")

    for charm in packing.CHARMS:
        relative = packing.packed_path(charm).relative_to(packing.ROOT)
        assert f"charm: ../{relative}" in bundle
