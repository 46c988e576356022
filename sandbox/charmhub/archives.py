"""Packed stand-ins: the bytes of one .charm file, the same for the same description."""

from __future__ import annotations

import functools
import io
import json
import pathlib
import zipfile
from typing import Any

import yaml

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import machine

ARCHITECTURE = "amd64"
_RUNTIME = descriptions.FOLDER / "runtime"
_PROGRAMS = ("dispatch", "bin/", "hooks/")
_STARTS = {
    "dispatch": "dispatch",
    "hooks/config-changed": "hook",
    "hooks/update-status": "hook",
}
# Zip knows no earlier day; every file of every archive bears it.
_DAY = (1980, 1, 1, 0, 0, 0)
_METADATA = (
    "subordinate",
    "provides",
    "requires",
    "peers",
    "extra-bindings",
    "storage",
    "resources",
)
_ENDPOINT = ("interface", "scope", "limit", "optional")


def pack(description: descriptions.Description, release: descriptions.Release) -> bytes:
    """The archive of one revision."""
    files = {
        **_documents(description.name, release.track),
        "version": f"{description.name}-{release.revision}\n".encode(),
        **_runtime(),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _DAY)
            entry.external_attr = (0o755 if name.startswith(_PROGRAMS) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return stream.getvalue()


@functools.cache
def _documents(name: str, track: str) -> dict[str, bytes]:
    """What all revisions of a track have in common."""
    description = descriptions.load()[name]
    release = next(release for release in description.releases if release.track == track)
    return {
        "metadata.yaml": _yaml(metadata(description)),
        "config.yaml": _yaml({"options": options(description, release)}),
        "actions.yaml": _yaml(actions(description)),
        "manifest.yaml": _yaml({"bases": bases(release)}),
        "src/description.json": _json(descriptions.compiled(description, release)),
    }


def metadata(description: descriptions.Description) -> dict[str, Any]:
    """The charm's metadata.yaml."""
    document = description.document
    found: dict[str, Any] = {
        "name": description.name,
        "summary": document["summary"],
        "description": f"Stands in for the Charmhub charm {description.name} in the sandbox.",
    }
    for key in _METADATA:
        if key in document:
            found[key] = document[key]
    for role in ("provides", "requires", "peers"):
        if role in found:
            found[role] = {
                name: {key: endpoint[key] for key in _ENDPOINT if key in endpoint}
                for name, endpoint in found[role].items()
            }
    if "extra-bindings" in found:
        found["extra-bindings"] = dict.fromkeys(found["extra-bindings"])
    return found


def actions(description: descriptions.Description) -> dict[str, Any]:
    """The charm's actions.yaml."""
    return {
        name: {
            "description": f"Stands in for {name}.",
            **{key: action[key] for key in ("params", "required") if key in action},
        }
        for name, action in description.actions.items()
    }


def bases(release: descriptions.Release) -> list[dict[str, Any]]:
    """The bases of the charm's manifest.yaml."""
    return [
        {"name": "ubuntu", "channel": channel, "architectures": [ARCHITECTURE]}
        for channel in release.bases
    ]


def options(
    description: descriptions.Description, release: descriptions.Release
) -> dict[str, dict[str, Any]]:
    """The options of the charm's config.yaml, with the defaults that its track decides."""
    found = {}
    for name, option in description.options.items():
        found[name] = {**option, "description": f"Stands in for {name}."}
        default = option.get("default")
        if isinstance(default, str):
            filled = default.replace("{release}", release.workload)
            found[name]["default"] = filled.replace("{track}", release.track)
    return found


@functools.lru_cache(maxsize=1)
def _runtime() -> dict[str, bytes]:
    files = {
        f"src/runtime/{path.name}": path.read_bytes() for path in sorted(_RUNTIME.glob("*.py"))
    }
    program = (_RUNTIME / "bin" / "machine-program").read_bytes()
    files.update((f"bin/{name}", program) for name in machine.NAMES)
    files.update((name, (_RUNTIME / file).read_bytes()) for name, file in _STARTS.items())
    return files


def fingerprint() -> str:
    """Changes when any file of the catalogue does."""
    paths = [
        *descriptions.FOLDER.rglob("*.yaml"),
        *_RUNTIME.glob("*.py"),
        *_RUNTIME.glob("bin/*"),
        *(_RUNTIME / file for file in _STARTS.values()),
        pathlib.Path(__file__),
    ]
    return "\n".join(f"{path} {path.stat().st_mtime_ns}" for path in sorted(paths))


# In C where PyYAML has it.
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):
    """The safe dumper without anchors and aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _yaml(document: dict[str, Any]) -> bytes:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False).encode()


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, indent=1).encode()
