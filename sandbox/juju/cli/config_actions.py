"""What `config` and `model-config` are asked to do: read, set, reset, load a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from sandbox.juju.cli.flags import UsageError


@dataclasses.dataclass(frozen=True)
class ConfigRequest:
    """One run of a configuration command (cmd/juju/config/config.go)."""

    key: str = ""
    """The one key to read."""
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    reset: tuple[str, ...] = ()
    file: str = ""

    @property
    def reads_all(self) -> bool:
        """Whether everything is to be shown: nothing else was asked."""
        return not (self.key or self.values or self.reset or self.file)


def config_request(words: Sequence[str], file: str, reset: Sequence[str]) -> ConfigRequest:
    """Understand the words after the application, --file and --reset.

    Raises:
        UsageError: a combination that Juju refuses, in its words.
    """
    keys: list[str] = []
    values: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            keys.append(word)
        elif not key:
            raise UsageError(f'expected "key=value", got "{word}"')
        elif key in values:
            raise UsageError(f'key "{key}" specified more than once')
        else:
            values[key] = value
    unset = tuple(key for text in reset for key in text.strip(",").split(",") if key)
    for key in unset:
        if "=" in key:
            raise UsageError(
                f'--reset accepts a comma delimited set of keys "a,b,c", received: "{key}"'
            )
        if key in values:
            raise UsageError(f'cannot set and reset key "{key}" simultaneously')
    asked = [
        name
        for name, given in (
            ("use --file flag", file),
            ("use --reset flag", unset),
            ("get value", keys),
            ("set key=value pairs", values),
        )
        if given
    ]
    if keys and len(asked) > 1:
        raise UsageError(f"cannot {', '.join(asked[:-1])} and {asked[-1]} simultaneously")
    if len(keys) > 1:
        raise UsageError("cannot specify multiple keys to get")
    return ConfigRequest(keys[0] if keys else "", values, unset, file)
