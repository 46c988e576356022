"""Charms: uploaded by both of Juju 3.6's ways, read back, found in Charmhub."""

from __future__ import annotations

import hashlib
import json

import pytest
from juju.client import client
from juju.errors import JujuError

ZIP = {"Content-Type": "application/zip"}


async def test_an_uploaded_charm_gets_the_next_revision_of_its_name(controller, model):
    assert await controller.upload(model) == "local:keystone-0"
    assert await controller.upload(model) == "local:keystone-1"


async def test_a_charm_is_uploaded_by_put_under_its_digest(controller, model):
    content = controller.packed_charm("glance")
    digest = hashlib.sha256(content).hexdigest()[:7]
    path = f"/model-{model.uuid}/charms/glance-{digest}"
    headers = {**ZIP, "Juju-Curl": "local:glance-0"}
    status, answer, body = await controller.request("PUT", path, data=content, headers=headers)
    assert (status, answer["Juju-Curl"]) == (200, "local:glance-0"), body


async def test_a_put_whose_digest_is_of_other_content_is_refused(controller, model):
    path = f"/model-{model.uuid}/charms/glance-0000000"
    headers = {**ZIP, "Juju-Curl": "local:glance-0"}
    status, _, body = await controller.request(
        "PUT", path, data=controller.packed_charm("glance"), headers=headers
    )
    assert status == 400
    assert "does not match sha in url (0000000)" in json.loads(body)["error"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no zip", "zip: not a valid zip file"), (b"", "zip: not a valid zip file")],
)
async def test_what_is_no_charm_is_refused(controller, model, content, message):
    path = f"/model/{model.uuid}/charms?schema=local"
    status, _, body = await controller.request("POST", path, data=content, headers=ZIP)
    assert status == 400
    assert message in json.loads(body)["error"]


async def test_an_upload_needs_the_right_password_and_a_model(controller, model):
    path = f"/model/{model.uuid}/charms?schema=local"
    status, _, body = await controller.request("POST", path, password="no", headers=ZIP)
    assert (status, json.loads(body)["error-code"]) == (401, "unauthorized access")
    unknown = "/model/3e4a0a3c-1111-4222-8333-444455556666/charms?schema=local"
    status, _, body = await controller.request("POST", unknown, headers=ZIP)
    assert (status, json.loads(body)["error-code"]) == (404, "model not found")


async def test_files_of_a_charm_are_listed_and_read(controller, model):
    content = controller.packed_charm()
    url = await controller.upload(model, content)
    path = f"/model/{model.uuid}/charms?url={url}"
    _, _, body = await controller.request("GET", path)
    assert "metadata.yaml" in json.loads(body)["files"]
    _, _, body = await controller.request("GET", f"{path}&file=dispatch")
    assert body == b"#!/bin/sh\n"
    _, _, body = await controller.request("GET", f"{path}&file=*")
    assert body == content


async def test_charm_info_shows_metadata_options_and_actions(controller, model):
    url = await controller.upload(model)
    async with controller.connect(model.uuid) as connection:
        facade = client.CharmsFacade.from_connection(connection)
        info = await facade.CharmInfo(url=url)
        listed = await facade.List(names=["keystone"])
    assert info.meta.name == "keystone"
    assert info.meta.requires["shared-db"].interface == "mysql-shared"
    assert info.config["region"].default == "RegionOne"
    assert info.actions.specs["pause"].params["properties"] == {"force": {"type": "boolean"}}
    assert listed.charm_urls == [url]


async def test_a_charm_of_charmhub_is_resolved_added_and_described(controller, model):
    async with controller.connect(model.uuid) as connection:
        facade = client.CharmsFacade.from_connection(connection)
        origin = {"source": "charm-hub", "architecture": "amd64", "risk": "stable"}
        resolved = await facade.ResolveCharms(
            resolve=[{"reference": "keystone", "charm-origin": origin}]
        )
        result = resolved.results[0]
        assert result.url.startswith("ch:amd64/noble/keystone-")
        assert "noble" in result.unknown_fields["supported-series"]
        await facade.AddCharm(url=result.url, charm_origin=result.charm_origin, force=False)
        known = (await facade.List(names=[])).charm_urls
        assert known == [result.url.replace("/noble/", "/")]
        info = await facade.CharmInfo(url=result.url)
        assert info.meta.name == "keystone"


async def test_a_charm_that_charmhub_lacks_is_refused_in_its_words(controller, model):
    async with controller.connect(model.uuid) as connection:
        facade = client.CharmsFacade.from_connection(connection)
        origin = {"source": "charm-hub", "architecture": "amd64", "risk": "stable"}
        answer = await connection.rpc(
            {
                "type": "Charms",
                "version": 7,
                "request": "ResolveCharms",
                "params": {"resolve": [{"reference": "no-such-charm", "charm-origin": origin}]},
            }
        )
        error = answer["response"]["Results"][0]["error"]
        assert error["code"] == "not found"
        assert "No charm or bundle with name 'no-such-charm'" in error["message"]
        with pytest.raises(JujuError, match="no-such-charm"):
            await facade.AddCharm(
                url="ch:amd64/no-such-charm-3",
                charm_origin=client.CharmOrigin(source="charm-hub", architecture="amd64"),
                force=False,
            )


async def test_a_resource_is_uploaded_listed_and_read_back(controller, model):
    content = controller.packed_charm(
        resources={"policy": {"type": "file", "filename": "policy.zip"}}
    )
    path = f"/model/{model.uuid}/applications/keystone/resources/policy"
    async with controller.connect(model.uuid) as connection:
        await controller.deploy(connection, model, content=content)
        status, _, body = await controller.request("PUT", path, data=b"rules")
        assert status == 200, body
        listed = await controller.call(
            connection,
            "Resources",
            3,
            "ListResources",
            entities=[{"tag": "application-keystone"}],
        )
    resource = listed["results"][0]["resources"][0]
    assert (resource["name"], resource["origin"], resource["size"]) == ("policy", "upload", 5)
    assert (await controller.request("GET", path))[2] == b"rules"
    status, _, body = await controller.request("PUT", path.replace("policy", "x"), data=b"")
    assert (status, json.loads(body)["error-code"]) == (404, "not found")
