"""Charms as the API shows them (rpc/params/charms.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju.state import values

Document = dict[str, Any]


def charm(found: values.Charm) -> Document:
    """params.Charm."""
    return {
        "revision": found.revision,
        "url": found.url,
        "config": {name: _option(option) for name, option in found.options().items()},
        "meta": _metadata(found),
        "actions": {"specs": {n: action(n, a or {}) for n, a in found.actions.items()}},
        "manifest": {"bases": found.bases},
    }


def action(name: str, declared: Document) -> Document:
    """params.ActionSpec: the parameters as the JSON schema of an object, as Juju reads them."""
    schema = {
        "title": name,
        "type": "object",
        "description": declared.get("description", "No description"),
        "properties": declared.get("params") or {},
    }
    if declared.get("required"):
        schema["required"] = declared["required"]
    if "additionalProperties" in declared:
        schema["additionalProperties"] = declared["additionalProperties"]
    return {"description": schema["description"], "params": schema}


def resources(metadata: Mapping[str, Any]) -> list[Document]:
    """params.CharmResource of each resource that a charm's metadata declares."""
    return [
        {
            "name": name,
            "type": declared.get("type", "file"),
            "path": declared.get("filename", ""),
            "description": declared.get("description", ""),
            "origin": "store",
            "revision": 0,
            "fingerprint": None,
            "size": 0,
        }
        for name, declared in (metadata.get("resources") or {}).items()
    ]


def _option(option: values.ConfigOption) -> Document:
    document: Document = {"type": option.type, "description": option.description}
    if option.default is not None:
        document["default"] = option.default
    return document


def _metadata(found: values.Charm) -> Document:
    metadata = found.metadata
    document: Document = {
        "name": found.name,
        "summary": metadata.get("summary", ""),
        "description": metadata.get("description", ""),
        "subordinate": found.subordinate,
        "extra-bindings": {name: name for name in metadata.get("extra-bindings") or {}},
        "storage": {name: _storage(d) for name, d in found.storage().items()},
        "resources": {
            name: {
                "name": name,
                "type": declared.get("type", "file"),
                "path": declared.get("filename", ""),
                "description": declared.get("description", ""),
            }
            for name, declared in (metadata.get("resources") or {}).items()
        },
    }
    for section, role in (("provides", "provider"), ("requires", "requirer"), ("peers", "peer")):
        document[section] = {
            endpoint.name: _relation(endpoint)
            for endpoint in found.endpoints().values()
            if endpoint.role == role and not endpoint.implicit
        }
    return {name: value for name, value in document.items() if value != {}}


def _relation(endpoint: values.Endpoint) -> Document:
    return {
        "name": endpoint.name,
        "role": endpoint.role,
        "interface": endpoint.interface,
        "optional": endpoint.optional,
        "limit": endpoint.limit,
        "scope": endpoint.scope,
    }


def _storage(declared: values.StorageDeclaration) -> Document:
    return {
        "name": declared.name,
        "description": "",
        "type": declared.kind,
        "shared": declared.shared,
        "read-only": False,
        "count-min": declared.count_min,
        "count-max": declared.count_max,
        "minimum-size": declared.minimum_size,
        "location": declared.location,
    }
