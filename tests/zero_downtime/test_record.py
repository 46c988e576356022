"""The count of what the probe wrote."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.zero_downtime import probe, record


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """One request a second of keystone: three in a row fail, then nova's one is answered."""
    lines = [
        {"at": float(n), "api": "keystone", "took": 0.5, "failed": "refused" if 3 <= n < 6 else ""}
        for n in range(10)
    ]
    lines.append({"at": 10.0, "api": "nova", "took": 2.0, "failed": ""})
    path = tmp_path / "probe.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"at": 11')
    return path


def test_every_failure_counts_and_so_does_how_long_an_api_was_away(file: pathlib.Path):
    counted = record.count(record.read(file))

    assert counted["keystone"] == record.Counted(10, 3, 3.0, 0.5, {"refused": 3})
    assert counted["nova"] == record.Counted(1, 0, 0.0, 2.0, {})
    assert counted["glance"].requests == 0


def test_the_table_has_a_line_for_each_api_and_one_for_all(file: pathlib.Path):
    counted = record.count(record.read(file))

    lines = record.table({"rolling": counted, "all-in-one": counted}).splitlines()

    assert len(lines) == len(probe.APIS) + 2
    assert "3/10" in lines[1]
    assert lines[-1].startswith("all")
    assert lines[-1].count("3/11") == 2
