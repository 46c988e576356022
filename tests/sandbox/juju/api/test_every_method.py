"""Whatever a client leaves out or invents, every method answers with sense or a refusal."""

from __future__ import annotations

import contextlib
import json
import ssl

import pytest
import websockets

from sandbox.juju.api.facades import FACADES
from sandbox.juju.api.registry import COMMON, CONTROLLER_ONLY
from sandbox.juju.release import DEFAULT

WATCHERS = {"NotifyWatcher", "StringsWatcher", "AllWatcher"}
BROKEN = (
    {},
    {"entities": [{"tag": "nonsense"}], "args": [{}], "Args": [{}], "params": [{}]},
    {
        "entities": [
            {"tag": "application-nobody"},
            {"tag": "unit-nobody-0"},
            {"tag": "machine-9"},
        ],
        "application": "nobody",
        "applications": [{"application-tag": "application-nobody"}],
        "args": [{"application": "nobody", "application-tag": "application-nobody"}],
        "units": [{"unit-tag": "unit-nobody-0"}],
        "machine-tags": ["machine-9"],
        "user-tag": "user-nobody",
        "tag": "application-nobody",
        "requests": [{"historyKind": "unit", "tag": "unit-nobody-0", "filter": {"size": 1}}],
        "changes": [{"user-tag": "user-nobody", "model-tag": "model-x", "tag": "user-nobody"}],
        "credentials": [{"tag": "cloudcred-nowhere_admin_x", "cloud-name": "nowhere"}],
        "clouds": [{"name": "nowhere", "cloud": {"type": "maas"}}],
        "resolve": [{"reference": "nobody", "charm-origin": {"source": "charm-hub"}}],
        "placements": [{"application": "nobody", "charm-url": "ch:amd64/nobody-1"}],
        "models": [{"model-tag": "model-00000000-0000-4000-8000-000000000000"}],
        "filters": [{}],
        "endpoints": ["nobody", "nothing"],
        "actions": [{"receiver": "unit-nobody-0", "name": "pause"}],
        "annotations": [{"entity": "application-nobody", "annotations": {"a": "b"}}],
    },
)


def served(controller_connection):
    """Each facade's newest version and methods on this kind of connection."""
    newest = {f.name: f for f in FACADES if DEFAULT.serves(f.name, f.version)}
    return [
        (name, facade.version, method)
        for name, facade in newest.items()
        if name not in WATCHERS
        and (name in COMMON or (name in CONTROLLER_ONLY) == controller_connection)
        for method in facade.methods
    ]


@contextlib.asynccontextmanager
async def logged_in(controller, path):
    context = ssl.create_default_context(cadata=controller.ca)
    url = f"wss://{controller.endpoint}{path}"
    async with websockets.connect(url, ssl=context, max_size=None) as opened:
        request = {"auth-tag": "user-admin", "credentials": "letmein"}
        await ask(opened, "Admin", 3, "Login", request)
        yield opened


async def ask(opened, facade, version, method, params):
    frame = {"request-id": 1, "type": facade, "version": version, "request": method}
    await opened.send(json.dumps({**frame, "params": params}))
    return json.loads(await opened.recv())


@pytest.mark.parametrize("params", BROKEN, ids=["nothing", "nonsense", "nobody"])
@pytest.mark.parametrize("controller_connection", [False, True], ids=["model", "controller"])
async def test_no_method_fails_on_what_it_did_not_expect(
    controller, model, controller_connection, params
):
    path = "/api" if controller_connection else f"/model/{model.uuid}/api"
    defects = []
    async with logged_in(controller, path) as opened:
        for facade, version, method in served(controller_connection):
            answer = await ask(opened, facade, version, method, params)
            if "internal error" in answer.get("error", ""):
                defects.append(answer["error"])
    assert defects == []
