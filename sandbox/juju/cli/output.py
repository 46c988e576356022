"""JSON, YAML and plain values as Juju's --format writes them (github.com/juju/cmd, output.go)."""

from __future__ import annotations

import json
import re
from typing import Any

_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNSAFE = re.compile("[<>&\u2028\u2029]")


class Timestamp(str):
    """A time that YAML shows bare, as goyaml writes a time.Time, and JSON as text."""

    __slots__ = ()


def json_text(value: Any) -> str:
    """One line of JSON as Go's encoding/json writes it, without the newline."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _UNSAFE.sub(lambda found: _HTML[found[0]], text)


def yaml_text(value: Any) -> str:
    """YAML as goyaml writes it: block style, ambiguous strings in double quotes."""
    if value is None:
        return ""
    import yaml

    text = yaml.dump(
        value,
        Dumper=_dumper(),
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=2**20,
    )
    return text.removesuffix("...\n").rstrip("\n") + "\n"


def smart_text(value: Any) -> str:
    """A bare string, True or False, lines of a list; YAML for anything else."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f"{value}\n"
    if isinstance(value, str):
        return f"{value}\n"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value) + "\n"
    return yaml_text(value)


def in_format(name: str, value: Any) -> str:
    """A value in json, yaml or smart."""
    if name == "json":
        return json_text(value) + "\n"
    return smart_text(value) if name == "smart" else yaml_text(value)


def filled(**fields: Any) -> dict[str, Any]:
    """The fields that are not empty, names with dashes: Go's omitempty."""
    return {
        name.replace("_", "-"): value
        for name, value in fields.items()
        if value not in (None, "", [], {}, (), 0, False) or value is True
    }


def by_name(mapping: dict[str, Any]) -> dict[str, Any]:
    """A map with its keys sorted, as Go writes maps."""
    return {key: mapping[key] for key in sorted(mapping)}


def natural(text: str) -> tuple[tuple[str, int], ...]:
    """A key that sorts x/2 before x/10, as Juju sorts names."""
    parts = re.split(r"(\d+)", text)
    pairs = zip(parts[::2], [*parts[1::2], "-1"], strict=False)
    return tuple((prefix, int(number)) for prefix, number in pairs)


def naturally(names: Any) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural)


def _dumper() -> Any:
    import yaml

    class GoDumper(yaml.SafeDumper):
        """Quotes strings as goyaml does, and never writes anchors."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def check_simple_key(self) -> bool:
            simple = super().check_simple_key()
            empty = isinstance(self.event, yaml.ScalarEvent) and not self.event.value
            return simple or empty

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        if "\n" in value:
            return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")
        resolved = dumper.resolve(yaml.ScalarNode, value, (True, False))
        style = None if resolved == "tag:yaml.org,2002:str" and value else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    def nothing(dumper: yaml.SafeDumper, _: None) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:null", "null")

    def timestamp(dumper: yaml.SafeDumper, value: Timestamp) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:timestamp", str(value))

    GoDumper.add_representer(str, text)
    GoDumper.add_representer(Timestamp, timestamp)
    GoDumper.add_representer(type(None), nothing)
    return GoDumper
