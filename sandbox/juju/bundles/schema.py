"""The keys that a bundle may have, and the type of each (charm.v12, bundledata.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KUBERNETES = "kubernetes"

TEXT, NUMBER, FLAG, ANY = "string", "int", "bool", "interface {}"
TEXTS, TEXT_MAP, ANY_MAP, RELATIONS = "[]string", "map[string]string", "map", "[][]string"

Fields = Mapping[str, Any]
"""Field -> its type; a map of a struct is a one-element list of the struct's fields."""

EXPOSED: Fields = {"expose-to-spaces": TEXTS, "expose-to-cidrs": TEXTS}
OFFER: Fields = {"endpoints": TEXTS, "acl": TEXT_MAP}
APPLICATION: Fields = {
    "charm": TEXT,
    "channel": TEXT,
    "revision": NUMBER,
    "series": TEXT,
    "base": TEXT,
    "resources": ANY_MAP,
    "num_units": NUMBER,
    "scale": NUMBER,
    "to": TEXTS,
    "placement": TEXT,
    "expose": FLAG,
    "exposed-endpoints": [EXPOSED],
    "options": ANY_MAP,
    "annotations": TEXT_MAP,
    "constraints": TEXT,
    "storage": TEXT_MAP,
    "devices": TEXT_MAP,
    "bindings": TEXT_MAP,
    "offers": [OFFER],
    "plan": TEXT,
    "trust": FLAG,
}
MACHINE: Fields = {
    "constraints": TEXT,
    "annotations": TEXT_MAP,
    "series": TEXT,
    "base": TEXT,
}
SAAS: Fields = {"url": TEXT}
BUNDLE: Fields = {
    "bundle": TEXT,
    "applications": [APPLICATION],
    "machines": [MACHINE],
    "saas": [SAAS],
    "series": TEXT,
    "default-base": TEXT,
    "relations": RELATIONS,
    "tags": TEXTS,
    "description": TEXT,
}
STRUCT_NAMES: Mapping[int, str] = {
    id(APPLICATION): "applications",
    id(MACHINE): "machines",
    id(SAAS): "saas",
    id(BUNDLE): "bundle",
    id(OFFER): "offers",
    id(EXPOSED): "exposed-endpoints",
}
"""What Juju's messages call each part."""
OVERLAY_ONLY = frozenset({"offers", "exposed-endpoints"})
"""Fields of an application that only an overlay may have: they name what is of one deployment."""
