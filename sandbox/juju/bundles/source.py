"""Bundle files: one or more YAML documents, each a part to be merged (bundledatasrc.go)."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from sandbox.juju.bundles.errors import BundleError, NotABundle
from sandbox.juju.bundles.schema import (
    ANY,
    ANY_MAP,
    BUNDLE,
    FLAG,
    NUMBER,
    RELATIONS,
    STRUCT_NAMES,
    TEXT,
    TEXT_MAP,
    TEXTS,
    Fields,
)

Document = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Part:
    """One document of a bundle file: its data, and what in it no bundle may have."""

    data: Document
    """As written, scalars in the types that bundles give them; unknown keys left out."""
    strays: tuple[str, ...] = ()
    """`line 7: field foo not found in applications`: keys that Juju does not know."""
    stray_in_parts: bool = False
    """Whether a stray key is inside an application, a machine, an offer or a SAAS."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A bundle file's parts, and the folder against which its paths resolve."""

    parts: tuple[Part, ...]
    folder: pathlib.Path


def read_source(path: pathlib.Path) -> Source:
    """The parts of a bundle file, or of the bundle.yaml in a folder.

    Raises:
        NotABundle: there is no such file, or it holds something else, such as a charm.
        BundleError: it is a bundle that cannot be understood.
    """
    file = path / "bundle.yaml" if path.is_dir() else path
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotABundle(f'"{file}" not found') from None
    except UnicodeDecodeError:
        raise NotABundle(f'"{file}" is not a text file') from None
    except OSError as error:
        raise BundleError(f'access bundle data at "{file}": {error.strerror}') from error
    return Source(parse_parts(text), file.resolve().parent)


def parse_parts(text: str) -> tuple[Part, ...]:
    """The documents of a bundle's text.

    Raises:
        BundleError: it is not YAML, or a field has the wrong type.
    """
    parts = []
    try:
        for number, node in enumerate(yaml.compose_all(text, Loader=yaml.SafeLoader)):
            parts.append(_part(node, number))
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise BundleError(f"cannot unmarshal bundle contents: yaml: {where}") from error
    if not parts:
        raise BundleError("cannot unmarshal bundle contents: bundle is empty not valid")
    return tuple(parts)


@dataclasses.dataclass
class _Findings:
    """What reading one document turned up."""

    strays: list[str] = dataclasses.field(default_factory=list)
    in_parts: bool = False
    wrong: list[str] = dataclasses.field(default_factory=list)


def _part(node: yaml.Node | None, number: int) -> Part:
    if node is None:
        return Part({})
    findings = _Findings()
    data = _struct(node, BUNDLE, findings)
    if findings.wrong:
        problems = "\n".join(f"  {problem}" for problem in findings.wrong)
        raise BundleError(
            f"cannot unmarshal bundle contents: unmarshal document {number}: "
            f"yaml: unmarshal errors:\n{problems}"
        )
    return Part(data or {}, tuple(findings.strays), findings.in_parts)


def _struct(node: yaml.Node, fields: Fields, findings: _Findings) -> Document | None:
    if _is_null(node):
        return None
    name = STRUCT_NAMES[id(fields)]
    if not isinstance(node, yaml.MappingNode):
        findings.wrong.append(_mismatch(node, name))
        return None
    found: Document = {}
    for key_node, value in _pairs(node):
        key = str(key_node.value)
        if key not in fields:
            line = key_node.start_mark.line + 1
            findings.strays.append(f"line {line}: field {key} not found in {name}")
            findings.in_parts |= fields is not BUNDLE
            continue
        found[key] = _value(value, fields[key], findings)
    return found


def _value(node: yaml.Node, kind: Any, findings: _Findings) -> Any:
    if isinstance(kind, list):
        return _map_of_structs(node, kind[0], findings)
    if _is_null(node):
        return None
    if kind in (TEXT_MAP, ANY_MAP):
        if not isinstance(node, yaml.MappingNode):
            findings.wrong.append(_mismatch(node, "map[string]string"))
            return None
        inner = TEXT if kind == TEXT_MAP else ANY
        return {str(key.value): _value(item, inner, findings) for key, item in _pairs(node)}
    if kind in (TEXTS, RELATIONS):
        if not isinstance(node, yaml.SequenceNode):
            findings.wrong.append(_mismatch(node, kind))
            return None
        inner = TEXT if kind == TEXTS else TEXTS
        return [_value(item, inner, findings) for item in node.value]
    return _scalar(node, kind, findings)


def _map_of_structs(node: yaml.Node, fields: Fields, findings: _Findings) -> Document | None:
    if _is_null(node):
        return None
    if not isinstance(node, yaml.MappingNode):
        findings.wrong.append(_mismatch(node, f"map of {STRUCT_NAMES[id(fields)]}"))
        return None
    return {str(key.value): _struct(item, fields, findings) for key, item in _pairs(node)}


def _scalar(node: yaml.Node, kind: str, findings: _Findings) -> Any:
    constructor = yaml.SafeLoader("")
    try:
        value = constructor.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError) as error:
        raise BundleError(f"line {node.start_mark.line + 1}: {error}") from error
    finally:
        constructor.dispose()
    if kind == ANY:
        return value
    if kind == TEXT and isinstance(node, yaml.ScalarNode):
        # goyaml gives a scalar to a string field as it is written: 1.10 stays 1.10.
        return node.value
    wanted = {NUMBER: int, FLAG: bool}.get(kind)
    if (
        wanted is not None
        and isinstance(value, wanted)
        and not (wanted is int and isinstance(value, bool))
    ):
        return value
    findings.wrong.append(_mismatch(node, kind))
    return None


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Keys and values of a map, with merge keys (`<<: *anchor`) applied."""
    merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        if key.tag != "tag:yaml.org,2002:merge":
            own[key.value] = (key, value)
            continue
        bases = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for base in bases:
            if isinstance(base, yaml.MappingNode):
                for inner_key, inner in _pairs(base):
                    merged.setdefault(inner_key.value, (inner_key, inner))
    yield from {**merged, **own}.values()


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _mismatch(node: yaml.Node, kind: str) -> str:
    shown = {yaml.MappingNode: "!!map", yaml.SequenceNode: "!!seq"}.get(type(node))
    if shown is None:
        shown = f"{node.tag.replace('tag:yaml.org,2002:', '!!')} `{node.value}`"
    return f"line {node.start_mark.line + 1}: cannot unmarshal {shown} into {kind}"


def is_empty(value: Any) -> bool:
    """Whether a field's value is Go's zero value: what an overlay clears with."""
    return value is None or value in ("", 0, False) or (isinstance(value, Mapping) and not value)
