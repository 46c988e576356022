"""Overlays merged onto a bundle, and what its options include from files (overlay.go)."""

from __future__ import annotations

import base64
import copy
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.schema import (
    APPLICATION,
    KUBERNETES,
    OVERLAY_ONLY,
    SAAS,
    TEXT_MAP,
    Fields,
)
from sandbox.juju.bundles.source import Document, Source

_INCLUDES = ("include-file://", "include-base64://")


def merged(sources: Sequence[Source]) -> Document:
    """The bundle that a file and its overlays make; documents after the first are overlays.

    Charm paths become absolute, each resolved against the folder of the file that names it.

    Raises:
        BundleError: the base has fields that only an overlay may have, an included file is
            missing, or an application has no body.
    """
    parts = [(part, source.folder) for source in sources for part in source.parts]
    base = normalized(parts[0][0].data)
    refuse_overlay_fields(base)
    for index, (part, folder) in enumerate(parts):
        if index:
            base = overlaid(base, normalized(part.data))
        base = _resolved(base, folder)
    return base


def overlaid(base: Document, overlay: Document) -> Document:
    """One overlay's effect on a bundle.

    Maps merge, scalars and lists are replaced, an empty value removes, relations append,
    machines are replaced altogether.
    """
    result = copy.deepcopy(base)
    for section, fields in (("applications", APPLICATION), ("saas", SAAS)):
        for name, spec in (overlay.get(section) or {}).items():
            present = result.get(section) or {}
            if spec is None:
                present.pop(name, None)
                result["relations"] = _without(result.get("relations"), name)
            elif present.get(name) is None:
                present[name] = copy.deepcopy(spec)
            else:
                present[name] = _merged_struct(present[name], spec, fields)
            result[section] = present
    for field in ("series", "default-base"):
        if overlay.get(field):
            result[field] = overlay[field]
    if overlay.get("relations"):
        result["relations"] = [*(result.get("relations") or []), *overlay["relations"]]
    if overlay.get("machines") is not None:
        result["machines"] = copy.deepcopy(overlay["machines"])
    return result


def _merged_struct(base: Document, overlay: Document, fields: Fields) -> Document:
    result = dict(base)
    for field, value in overlay.items():
        kind = fields[field]
        is_map = isinstance(kind, list) or kind == TEXT_MAP or kind == "map"
        if not is_map:
            result[field] = copy.deepcopy(value)
        elif value is None:
            result[field] = {}
        else:
            result[field] = _merged_map(result.get(field) or {}, value, text=kind == TEXT_MAP)
    return result


def _merged_map(base: Document, overlay: Document, *, text: bool) -> Document:
    result = dict(base)
    for key, value in overlay.items():
        if value is None and not text:
            result.pop(key, None)
        else:
            result[key] = "" if value is None else copy.deepcopy(value)
    return result


def _without(relations: list[list[str]] | None, name: str) -> list[list[str]]:
    """The relations that do not involve an application; malformed ones stay to be reported."""
    return [
        relation
        for relation in relations or []
        if len(relation or ()) != 2
        or not any(end == name or str(end).startswith(f"{name}:") for end in relation)
    ]


def normalized(document: Document) -> Document:
    """A document with `scale` and `placement` of Kubernetes bundles as num_units and to.

    Raises:
        BundleError: both forms are used, or a machine bundle uses placement.
    """
    result = copy.deepcopy(document)
    for name, app in (result.get("applications") or {}).items():
        if app is None:
            continue
        if (app.get("scale") or 0) > 0:
            if (app.get("num_units") or 0) > 0:
                raise BundleError(
                    f'cannot specify both scale and num_units for application "{name}"'
                )
            app["num_units"] = app.pop("scale")
        placement = app.get("placement")
        if not placement:
            continue
        if result.get("bundle") != KUBERNETES:
            raise BundleError(
                f'placement ({placement}) not valid for non-Kubernetes application "{name}"'
            )
        if app.get("to"):
            raise BundleError(f'cannot specify both placement and to for application "{name}"')
        app["to"] = [app.pop("placement")]
    return result


def refuse_overlay_fields(document: Document) -> None:
    """Refuse a base bundle with offers or exposed-endpoints.

    Raises:
        BundleError: it has some; the message names the first.
    """
    found = [
        problem
        for name, app in sorted((document.get("applications") or {}).items())
        for problem in _overlay_fields(name, app or {})
    ]
    if found:
        others = f" (and {len(found) - 1} more errors)" if len(found) > 1 else ""
        raise BundleError(found[0] + others)


def _overlay_fields(name: str, app: Document) -> Iterable[str]:
    for field in sorted(OVERLAY_ONLY):
        if not app.get(field):
            continue
        path = f"applications.{name}.{field}"
        yield f"{path} can only appear in an overlay section"
        for key, spec in sorted(app[field].items()):
            for inner, value in sorted((spec or {}).items()):
                if value:
                    yield f"{path}.{key}.{inner} can only appear in an overlay section"


def _resolved(document: Document, folder: pathlib.Path) -> Document:
    """The document with relative charm paths made absolute and include directives replaced."""
    result = copy.deepcopy(document)
    for name, app in (result.get("applications") or {}).items():
        if app is None:
            raise BundleError(f'base application "{name}" has no body')
        charm = app.get("charm") or ""
        if charm.startswith("."):
            app["charm"] = str(pathlib.Path(folder, charm).resolve())
        for field, noun in (("options", "option"), ("annotations", "annotation")):
            for key, value in (app.get(field) or {}).items():
                where = f'processing {noun} "{key}" for application "{name}"'
                app[field][key] = _included(value, folder, where)
    for name, machine in (result.get("machines") or {}).items():
        for key, value in ((machine or {}).get("annotations") or {}).items():
            where = f'processing annotation "{key}" for machine "{name}"'
            machine["annotations"][key] = _included(value, folder, where)
    return result


def _included(value: Any, folder: pathlib.Path, where: str) -> Any:
    """A value, or the content of the file that it includes, as text or as base64.

    Raises:
        BundleError: the file is missing or a folder.
    """
    directive = next(
        (d for d in _INCLUDES if isinstance(value, str) and value.startswith(d)), None
    )
    if directive is None:
        return value
    name = value.removeprefix(directive)
    path = pathlib.Path(folder, name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        problem = f'include file "{path.resolve()}" not found'
    except IsADirectoryError:
        problem = f'include path "{path.resolve()}" resolves to a folder'
    except OSError as error:
        problem = f'reading include file at "{path.resolve()}": {error.strerror}'
    else:
        if directive == "include-base64://":
            return base64.b64encode(content).decode()
        return content.decode("utf-8", "surrogateescape")
    raise BundleError(f'{where}: resolving include "{name}": {problem}')
