"""What ran is written down: as lines of JSON, in the debug log, and as a table."""

from __future__ import annotations

import json
import re

import pytest

from sandbox import command, trace
from sandbox.juju.state import applications, runs

SCRIPT = """
case "$JUJU_DISPATCH_PATH" in
  hooks/install) status-set maintenance "getting ready"; application-version-set 8.0 ;;
  hooks/config-changed) open-port 3306; state-set token=hunter2; [ ! -e ../fail ] ;;
  hooks/db-relation-joined) relation-set host=10.0.0.1 password=hunter2 ;;
  hooks/start) secret-add --owner unit token=hunter2 > /dev/null ;;
esac
"""


@pytest.fixture
async def related(world):
    world.deploy("mysql", SCRIPT, provides={"db": {"interface": "sql"}})
    world.deploy("wiki", requires={"db": {"interface": "sql"}})
    world.relation = world.relate("wiki", "mysql").id
    await world.settled()
    return world


def lines(world):
    text = (world.home.folder("log") / "hooks.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


async def test_each_run_is_a_line_of_json_in_its_order(related):
    found = lines(related)
    assert [line["order"] for line in found if line["unit"] == "mysql/0"] == [
        run.id for run in related.do(runs.of_unit, "mysql/0")
    ]
    by_kind = {line["kind"]: line for line in found if line["unit"] == "mysql/0"}
    install = by_kind["install"]
    assert install["changes"] == {"status": "maintenance: getting ready", "version": "8.0"}
    assert install["exit-code"] == 0
    assert 0 < install["seconds"] < 10
    assert by_kind["config-changed"]["changes"] == {"state": ["token"], "ports": ["3306/tcp"]}
    joined = by_kind["db-relation-joined"]
    assert (joined["about"], joined["relation"]) == ("wiki/0", related.relation)
    assert joined["changes"]["relations"] == {f"{related.relation} unit": ["host", "password"]}
    assert "hunter2" not in json.dumps(found)


async def test_the_debug_log_of_a_run_is_as_durable_as_its_end(world):
    """A controller that is killed has lost no line of a hook that it knows to have run."""
    untold = []

    def note(changes):
        ended = [change.key for change in changes if change.kind == "run"]
        with world.store.transaction() as tx:
            said = [row["message"] for row in tx.all("SELECT message FROM log")]
        untold.extend(n for n in ended if not any(line.startswith(f"#{n} ") for line in said))
        if ended:
            assert any(line.startswith('ran "') for line in said)

    world.store.subscribe(note)
    world.deploy("mysql", "juju-log 'so far so good'", provides={"db": {"interface": "sql"}})
    await world.settled()

    assert lines(world)
    assert untold == []


async def test_a_failed_run_shows_what_took_effect_all_the_same(related):
    (related.charm_folder("mysql/0") / "../fail").touch()
    related.do(applications.set_config, "mysql", {"trust": "true"})
    await related.until(lambda: related.agent("mysql/0").startswith("error"))
    failed = lines(related)[-1]
    assert (failed["kind"], failed["exit-code"], failed["changes"]) == ("config-changed", 1, {})


async def test_the_debug_log_has_a_line_for_each_run(related):
    log = [line for line in related.log() if line.startswith("INFO sandbox.hook: ")]
    told = next(line for line in log if "db-relation-joined for wiki/0" in line)
    assert re.search(r": ok after \d+\.\d{3} s;", told)
    assert told.endswith(f"; {related.relation} unit: host, password")


async def test_the_history_of_a_unit_or_a_relation_is_a_table(related, monkeypatch, capsys):
    monkeypatch.setenv("SANDBOX_HOME", str(related.home.path))

    def sandbox(*words):
        monkeypatch.setattr("sys.argv", ["sandbox", "trace", *words])
        code = command.main()
        return code, capsys.readouterr()

    code, said = sandbox("mysql/0")
    assert code == 0
    head, first, *_ = said.out.splitlines()
    assert head.split() == ["Order", "Started", "Unit", "Ran", "About", "Took", "Ended", "Changed"]
    assert "install" in first
    assert "status: maintenance: getting ready; version: 8.0" in first
    _, said = sandbox(f"db:{related.relation}")
    told = [line.split()[2:5] for line in said.out.splitlines()[1:]]
    assert ["mysql/0", "db-relation-joined", "wiki/0"] in told
    assert ["wiki/0", "db-relation-changed", "mysql/0"] in told
    _, said = sandbox("--json", "-n", "1", "wiki/0")
    assert json.loads(said.out)["unit"] == "wiki/0"
    for nothing in ("nobody/0", "db:99"):
        code, said = sandbox(nothing)
        assert (code, said.err) == (1, f"ERROR nothing is known of {nothing}\n")


def test_a_long_change_is_cut_and_a_run_under_way_is_told():
    def run(**changes):
        return runs.Run(
            1,
            "m",
            "app/0",
            "install",
            "",
            "2026-01-01T00:00:00.000000Z",
            None,
            None,
            None,
            changes,
        )

    shown = trace.table([run(status="x" * 200), run()])
    assert "running" in shown
    assert max(map(len, shown.splitlines())) < 200
