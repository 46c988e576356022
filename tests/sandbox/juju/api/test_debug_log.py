"""The debug log as a stream, with Juju's parameters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl

import aiohttp
import pytest

from sandbox.juju.state import log

ADMIN = ("user-admin", "letmein")


@contextlib.asynccontextmanager
async def stream(controller, model, account=ADMIN, **query):
    context = ssl.create_default_context(cadata=controller.ca)
    headers = {"Authorization": aiohttp.encode_basic_auth(*account)}
    url = f"https://{controller.endpoint}/model/{model.uuid}/log"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(url, ssl=context, params=query) as socket,
    ):
        yield socket


def write(controller, model, *lines):
    with controller.state() as tx:
        log.write(tx, model.uuid, [log.record(*line) for line in lines])


LINES = (
    ("unit-keystone-0", "INFO", "unit.keystone/0.juju-log", "one"),
    ("unit-keystone-0", "DEBUG", "juju.worker.uniter", "two"),
    ("machine-0", "ERROR", "juju.worker.machiner", "three"),
)


async def messages(controller, model, **query):
    """What a client that does not follow is sent."""
    async with stream(controller, model, noTail="true", **query) as socket:
        assert (await socket.receive_str()) == "{}\n"
        return [json.loads(message.data)["msg"] async for message in socket]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"replay": "true"}, ["one", "two", "three"]),
        ({"backlog": "1"}, ["three"]),
        ({"maxLines": "2"}, ["two", "three"]),
        ({"level": "INFO"}, ["one", "three"]),
        ({"includeEntity": "unit-keystone-*"}, ["one", "two"]),
        ({"excludeEntity": "machine-0"}, ["one", "two"]),
        ({"includeModule": "juju.worker"}, ["two", "three"]),
        ({"excludeModule": "unit"}, ["two", "three"]),
    ],
)
async def test_the_parameters_choose_the_lines(controller, model, query, expected):
    write(controller, model, *LINES)
    assert await messages(controller, model, **query) == expected


async def test_a_line_has_jujus_members(controller, model):
    write(controller, model, LINES[0])
    async with stream(controller, model) as socket:
        await socket.receive_str()
        line = json.loads(await socket.receive_str())
    assert line["tag"] == "unit-keystone-0"
    assert line["sev"] == "INFO"
    assert line["mod"] == "unit.keystone/0.juju-log"
    assert line["ts"].endswith("Z")


async def test_new_lines_follow(controller, model):
    write(controller, model, *LINES)
    async with stream(controller, model, backlog="1") as socket:
        await socket.receive_str()
        assert json.loads(await socket.receive_str())["msg"] == "three"
        write(controller, model, ("machine-0", "INFO", "juju", "four"))
        line = await asyncio.wait_for(socket.receive_str(), timeout=30)
    assert json.loads(line)["msg"] == "four"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"level": "LOUD"}, 'level value "LOUD" is not one of'),
        ({"backlog": "-1"}, 'backlog value "-1" is not a valid unsigned number'),
        ({"noTail": "perhaps"}, 'noTail value "perhaps" is not a valid boolean'),
        ({"startTime": "noon"}, 'start time "noon" is not a valid time in RFC3339 format'),
    ],
)
async def test_a_bad_parameter_is_refused_on_the_stream(controller, model, query, message):
    async with stream(controller, model, **query) as socket:
        answer = json.loads(await socket.receive_str())
    assert message in answer["error"]["message"]


async def test_a_wrong_password_is_refused_on_the_stream(controller, model):
    async with stream(controller, model, ("user-admin", "wrong")) as socket:
        answer = json.loads(await socket.receive_str())
    assert answer["error"]["code"] == "unauthorized access"
