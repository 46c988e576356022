#!/usr/bin/python3 -SE
"""A hook tool on plain files, under every tool's name: what the runtime asks of Juju, no more.

The folder HOOK_TOOLS holds config.json, relations.json, state.json and said.json; every call
is a line of calls.
"""

# ruff: noqa: T201 - what a hook tool answers, it prints
import json
import os
import pathlib
import sys

FOLDER = pathlib.Path(os.environ["HOOK_TOOLS"])
TOOL = pathlib.Path(sys.argv[0]).name
ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--format=json"]


def load(name: str) -> dict:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def save(name: str, document: dict) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(document))


def merge(name: str, changes: dict) -> None:
    merged = {**load(name), **changes}
    save(name, {key: value for key, value in merged.items() if value != ""})


with (FOLDER / "calls").open("a") as calls:
    calls.write(f"{TOOL}\n")
match TOOL:
    case "state-get" | "config-get":
        print(json.dumps(load(TOOL.partition("-")[0])))
    case "state-set":
        merge("state", json.load(sys.stdin))
    case "state-delete":
        merge("state", {ARGUMENTS[0]: ""})
    case "network-get":
        print(json.dumps(load("unit")["address"]))
    case "is-leader":
        print(json.dumps(load("unit")["leader"]))
    case "relation-get":
        print(json.dumps(load("relations")[ARGUMENTS[1]][ARGUMENTS[3]]))
    case "relation-set":
        said = load("said")
        said.setdefault(ARGUMENTS[1], {}).update(json.load(sys.stdin))
        save("said", said)
    case "status-set":
        save("status", {"status": ARGUMENTS[0], "message": ARGUMENTS[1]})
    case "application-version-set":
        save("version", {"version": ARGUMENTS[0]})
    case "action-set":
        merge("results", dict(argument.split("=", 1) for argument in ARGUMENTS))
    case "open-port":
        merge("ports", {ARGUMENTS[0]: True})
    case _:
        sys.exit(f"{TOOL} is not expected")
