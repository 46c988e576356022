"""The query language of `juju wait-for` (cmd/juju/waitfor/query).

`life=="alive" && status=="active"`, `len(units) > 2`,
`forEach(units, unit => unit.workload-status=="active")`. Comparison binds tighter than `&&`,
which binds tighter than `||`; several statements are separated by `;` and all must hold.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.juju.client.errors import ClientError

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][\w-]*)|(?P<mark>=>|==|!=|<=|>=|&&|\|\||[<>!().,;\[\]]))"
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}

Scope = Mapping[str, Any]


class QueryError(ClientError):
    """The query cannot be read, or asks for what there is not."""


@dataclasses.dataclass(frozen=True)
class Query:
    """A query that has been read and can be asked of a scope again and again."""

    text: str
    _statements: tuple[Callable[[Scope], Any], ...]

    def holds(self, scope: Scope) -> bool:
        """Whether every statement is true of the scope.

        Raises:
            QueryError: the scope lacks a name, or values cannot be compared.
        """
        return all(bool(statement(scope)) for statement in self._statements)

    @property
    def names(self) -> list[str]:
        """The names that the query asks for, each once, in order."""
        words = re.sub(r"\"[^\"]*\"|'[^']*'", "", self.text)
        found = re.findall(r"(?<![\w.-])[A-Za-z_][\w-]*(?!\w*\s*(?:\(|=>))(?![.\w])", words)
        return list(dict.fromkeys(name for name in found if name not in ("true", "false")))


def parse_query(text: str) -> Query:
    """Read a query.

    Raises:
        QueryError: it is not one; the message says where.
    """
    parser = _Parser(text)
    statements = [parser.expression()]
    while parser.take(";"):
        if parser.at_end:
            break
        statements.append(parser.expression())
    if not parser.at_end:
        raise parser.error()
    return Query(text, tuple(statements))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise QueryError(
                    f"Syntax Error: unexpected character {text[position:].strip()[:1]!r} in "
                    f"query at position {position + 1}"
                )
            self._tokens.append((found.lastgroup, found[found.lastgroup], position))
            position = found.end()
        self._next = 0

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def take(self, mark: str) -> bool:
        if not self.at_end and self._tokens[self._next][:2] == ("mark", mark):
            self._next += 1
            return True
        return False

    def error(self) -> QueryError:
        if self.at_end:
            return QueryError("Syntax Error: the query ends in the middle of an expression")
        _, token, position = self._tokens[self._next]
        return QueryError(
            f"Syntax Error: unexpected {token!r} in query at position {position + 1}"
        )

    def expression(self) -> Callable[[Scope], Any]:
        left = self._conjunction()
        while self.take("||"):
            left = _either(left, self._conjunction())
        return left

    def _conjunction(self) -> Callable[[Scope], Any]:
        left = self._comparison()
        while self.take("&&"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Callable[[Scope], Any]:
        left = self._primary()
        for mark in _COMPARISONS:
            if self.take(mark):
                return _compare(mark, left, self._primary())
        return left

    def _primary(self) -> Callable[[Scope], Any]:
        if self.take("!"):
            inner = self._primary()
            return lambda scope: not inner(scope)
        if self.take("("):
            inner = self.expression()
            self._require(")")
            return inner
        if self.at_end:
            raise self.error()
        kind, word, _ = self._tokens[self._next]
        if kind == "mark":
            raise self.error()
        self._next += 1
        if kind == "text":
            return _constant(word[1:-1])
        if kind == "number":
            return _constant(float(word) if "." in word else int(word))
        if word in ("true", "false"):
            return _constant(word == "true")
        if self.take("("):
            return self._call(word)
        return self._reference(word)

    def _reference(self, name: str) -> Callable[[Scope], Any]:
        path = [name]
        while self.take("."):
            path.append(self._name())
        return lambda scope: _lookup(scope, path)

    def _call(self, function: str) -> Callable[[Scope], Any]:
        if function == "forEach":
            collection = self.expression()
            self._require(",")
            variable = self._name()
            self._require("=>")
            body = self.expression()
            self._require(")")
            return _for_each(collection, variable, body)
        arguments: list[Callable[[Scope], Any]] = []
        while not self.take(")"):
            if arguments:
                self._require(",")
            arguments.append(self.expression())
        return _function(function, arguments)

    def _name(self) -> str:
        if self.at_end or self._tokens[self._next][0] != "name":
            raise self.error()
        self._next += 1
        return self._tokens[self._next - 1][1]

    def _require(self, mark: str) -> None:
        if not self.take(mark):
            raise self.error()


def _constant(value: Any) -> Callable[[Scope], Any]:
    return lambda _: value


def _either(left: Callable[[Scope], Any], right: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    return lambda scope: bool(left(scope)) or bool(right(scope))


def _both(left: Callable[[Scope], Any], right: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    return lambda scope: bool(left(scope)) and bool(right(scope))


def _compare(
    mark: str, left: Callable[[Scope], Any], right: Callable[[Scope], Any]
) -> Callable[[Scope], Any]:
    def compare(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        try:
            return _COMPARISONS[mark](one, other)
        except TypeError:
            raise QueryError(f"Runtime Error: cannot compare {one!r} {mark} {other!r}") from None

    return compare


def _lookup(scope: Scope, path: Sequence[str]) -> Any:
    value: Any = scope
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            known = ", ".join(sorted(value)) if isinstance(value, Mapping) else "none"
            raise QueryError(
                f'Runtime Error: identifier "{name}" not found on scope (known: {known})'
            )
        value = value[name]
    return value


def _for_each(
    collection: Callable[[Scope], Any], variable: str, body: Callable[[Scope], Any]
) -> Callable[[Scope], Any]:
    def every(scope: Scope) -> bool:
        items = collection(scope)
        values = items.values() if isinstance(items, Mapping) else items
        return all(bool(body({**scope, variable: item})) for item in values)

    return every


def _function(name: str, arguments: Sequence[Callable[[Scope], Any]]) -> Callable[[Scope], Any]:
    functions: Mapping[str, tuple[int, Callable[..., Any]]] = {
        "len": (1, len),
        "print": (1, lambda value: bool(value) or True),
        "startsWith": (2, lambda text, start: str(text).startswith(start)),
        "endsWith": (2, lambda text, end: str(text).endswith(end)),
        "int": (1, int),
        "string": (1, str),
    }
    if name not in functions:
        raise QueryError(f'Runtime Error: unknown function "{name}"')
    count, function = functions[name]
    if len(arguments) != count:
        raise QueryError(
            f'Runtime Error: "{name}" takes {count} argument(s), got {len(arguments)}'
        )
    return lambda scope: function(*(argument(scope) for argument in arguments))
