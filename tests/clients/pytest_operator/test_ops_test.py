"""What charm authors do with `ops_test`; nothing here knows of the sandbox."""

from __future__ import annotations

import pathlib
import shutil

IDLE = 1.0
"""Seconds that units must be idle: their hooks are quick."""
HERE = pathlib.Path(__file__).parent
TEMPLATE = """
default-base: ubuntu@24.04/stable
applications:
  web: {charm: {{ web }}, num_units: 1, options: {port: {{ port }}}}
  db: {charm: {{ db }}, num_units: 1}
relations:
  - [web:store, db:sql]
"""


async def test_a_charm_is_built_and_deployed(ops_test, tmp_path):
    source = shutil.copytree(HERE / "charm", tmp_path / "charm")
    built = await ops_test.build_charm(source)
    assert built.name == "tiny_amd64.charm"
    await ops_test.model.deploy(built, application_name="tiny")
    await ops_test.model.wait_for_idle(["tiny"], status="active", timeout=300, idle_period=IDLE)
    assert ops_test.model.units["tiny/0"].workload_status_message == "packed by charmcraft"


async def test_a_bundle_is_rendered_and_deployed(ops_test, charms):
    bundle = ops_test.render_bundle(
        TEMPLATE, web=charms / "web.charm", db=charms / "db.charm", port=8080
    )
    await ops_test.model.deploy(str(bundle))
    await ops_test.model.wait_for_idle(
        ["web", "db"], status="active", timeout=300, idle_period=IDLE
    )
    assert (await ops_test.model.applications["web"].get_config())["port"]["value"] == 8080


async def test_the_module_s_model_is_still_there_for_the_next_test(ops_test):
    assert {"tiny", "web", "db"} <= set(ops_test.model.applications)
    code, said, _ = await ops_test.juju("status", "--format", "short")
    assert code == 0
    assert "- web/0:" in said


async def test_update_status_comes_faster_for_a_while(ops_test):
    key = "update-status-hook-interval"
    before = (await ops_test.model.get_config())[key].value
    async with ops_test.fast_forward("10s"):
        assert (await ops_test.model.get_config())[key].value == "10s"
    assert (await ops_test.model.get_config())[key].value == before


async def test_a_second_model_is_tracked_and_forgotten(ops_test, charms):
    other = await ops_test.track_model("other")
    with ops_test.model_context("other") as model:
        assert model is other
        await model.deploy(charms / "web.charm")
        await model.wait_for_idle(["web"], status="active", timeout=300, idle_period=IDLE)
        name = ops_test.model_name
    await ops_test.forget_model("other", timeout=300, allow_failure=False)
    code, said, _ = await ops_test.juju("models", "--format", "json")
    assert code == 0
    assert f'"short-name":"{name}","controller-uuid"' not in said or '"life":"dying"' in said
    assert "web" in ops_test.model.applications


async def test_the_model_s_status_and_log_are_logged(ops_test, caplog):
    caplog.set_level("INFO")
    await ops_test.log_model()
    assert "Model status:" in caplog.text
    assert "web/0" in caplog.text
