"""Small packed charms, whose hooks take milliseconds: what clients are told is what counts."""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

import yaml

_DISPATCH = """#!/bin/sh
set -e
case "$JUJU_DISPATCH_PATH" in
  actions/greet)
    action-log "greeting $(action-get name)"
    action-set greeting="hello $(action-get name)" ;;
  actions/fail) action-fail "as was asked" ;;
  actions/slow) sleep 3 ;;
  hooks/store-relation-changed)
    [ -z "$JUJU_REMOTE_UNIT" ] || url="$(relation-get url)"
    [ -z "$url" ] || status-set active "at $url" ;;
  hooks/store-relation-broken) status-set active "ready" ;;
  hooks/sql-relation-joined) relation-set url="mysql://$JUJU_UNIT_NAME" ;;
  hooks/config-changed)
    [ "$(config-get title)" != broken ] || exit 1
    status-set active "ready" ;;
  hooks/start)
    application-version-set 1.2.3
    case "$JUJU_UNIT_NAME" in agent/*) ;; *) open-port 80/tcp ;; esac ;;
esac
"""

_CONFIG = {
    "port": {"type": "int", "default": 80, "description": "Where to listen"},
    "title": {"type": "string", "description": "What to show; `broken` fails"},
    "debug": {"type": "boolean", "default": False, "description": "Say more"},
    "credentials": {"type": "secret", "description": "Who to be"},
}
_ACTIONS = {
    "greet": {
        "description": "Say hello",
        "params": {"name": {"type": "string", "default": "you"}},
    },
    "fail": {"description": "Fail on purpose"},
    "slow": {"description": "Take three seconds"},
}

METADATA: dict[str, dict[str, Any]] = {
    "web": {
        "provides": {"site": {"interface": "http"}},
        "requires": {"store": {"interface": "mysql"}},
        "peers": {"cluster": {"interface": "web-peer"}},
    },
    "db": {
        "provides": {"sql": {"interface": "mysql"}, "backup": {"interface": "dump"}},
        "storage": {"data": {"type": "filesystem", "location": "/srv/data"}},
    },
    "archive": {"storage": {"dump": {"type": "filesystem", "multiple": {"range": "0-1"}}}},
    "proxy": {
        "requires": {"backend": {"interface": "http"}},
        "resources": {"page": {"type": "file", "filename": "page.html", "description": "d"}},
    },
    "agent": {
        "subordinate": True,
        "requires": {"host": {"interface": "juju-info", "scope": "container"}},
    },
}


def pack(folder: pathlib.Path) -> pathlib.Path:
    """Write every charm to a folder, as <name>.charm."""
    manifest = {"bases": [{"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}]}
    for name, more in METADATA.items():
        metadata = {"name": name, "summary": f"A {name}", "description": f"The {name}.", **more}
        with zipfile.ZipFile(folder / f"{name}.charm", "w") as archive:
            archive.writestr("metadata.yaml", yaml.safe_dump(metadata))
            archive.writestr("manifest.yaml", yaml.safe_dump(manifest))
            archive.writestr("config.yaml", yaml.safe_dump({"options": _CONFIG}))
            archive.writestr("actions.yaml", yaml.safe_dump(_ACTIONS))
            dispatch = zipfile.ZipInfo("dispatch")
            dispatch.external_attr = 0o755 << 16
            archive.writestr(dispatch, _DISPATCH)
    return folder
