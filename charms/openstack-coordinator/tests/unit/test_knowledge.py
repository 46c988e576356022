"""What the charm knows is data, and wrong data is refused with the field that is wrong."""

from __future__ import annotations

import pathlib
import shutil

import knowledge
import pydantic
import pytest
import yaml


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(knowledge.FOLDER, tmp_path / "knowledge"))


def change(folder: pathlib.Path, file: str, **changed: object) -> None:
    path = folder / file
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changed}))


def test_releases_are_in_order_and_every_one_has_tracks_for_the_same_families() -> None:
    known = knowledge.load()
    assert [r.name for r in known.releases] == ["yoga", "zed", "2023.1", "2023.2", "2024.1"]
    assert {frozenset(release.tracks) for release in known.releases} == {
        frozenset({"openstack", "ceph", "ovn"})
    }


def test_no_name_of_an_application_is_in_the_code() -> None:
    files = list(knowledge.FOLDER.parent.rglob("*.py"))
    words = {word for path in files for word in path.read_text().split()}
    # An adapter has the name of the system that it speaks to.
    words -= {path.stem for path in files}
    assert [charm for charm in knowledge.load().charms if charm in words] == []


def test_every_way_version_and_precondition_refers_to_what_exists(folder: pathlib.Path) -> None:
    known = yaml.safe_load((folder / "upgrades.yaml").read_text())
    upgrades = known["upgrades"]
    wrong: list[tuple[dict[str, object], str]] = [
        ({"upgrades": {k: v for k, v in upgrades.items() if k != "glance"}}, "only: glance"),
        ({"upgrades": {**upgrades, "glance": {"way": "managed", "workload": "gl"}}}, "of gl"),
        ({"upgrade-order": [{"name": "x", "charms": ["glanz"]}]}, "glanz is not in upgrades"),
        ({"errands": {"backup": {"role": "clown", "action": "x"}}}, "no such role: clown"),
        ({"upgrades": {**upgrades, "glance": {"way": "sideways"}}}, "managed"),
    ]
    for changed, complaint in wrong:
        change(folder, "upgrades.yaml", **{**known, **changed})
        with pytest.raises(pydantic.ValidationError, match=complaint):
            knowledge.load(folder)
        knowledge.load.cache_clear()


@pytest.mark.parametrize(
    ("charm", "complaint"),
    [
        ({"role": "juggler", "group": "support"}, "charms.new: no such role: juggler"),
        ({"role": "image", "group": "circus"}, "charms.new.group: circus is not in groups"),
        (
            {"role": "image", "group": "support", "family": "acrobats"},
            "charms.new.family: no release has tracks of acrobats",
        ),
        (
            {
                "role": "image",
                "group": "support",
                "needs": [{"endpoint": "ring", "roles": ["clown"]}],
            },
            "charms.new: no such role: clown",
        ),
    ],
)
def test_a_charm_that_refers_to_nothing_is_refused_by_name(
    folder: pathlib.Path, charm: dict[str, object], complaint: str
) -> None:
    charms = yaml.safe_load((folder / "applications.yaml").read_text())["charms"]
    change(folder, "applications.yaml", charms={**charms, "new": charm})
    with pytest.raises(pydantic.ValidationError, match=complaint):
        knowledge.load(folder)


def test_an_unknown_key_is_refused(folder: pathlib.Path) -> None:
    charms = yaml.safe_load((folder / "applications.yaml").read_text())["charms"]
    charms["glance"]["relates"] = []
    change(folder, "applications.yaml", charms=charms)
    with pytest.raises(pydantic.ValidationError, match=r"charms\.glance\.relates"):
        knowledge.load(folder)
