"""Which third-party modules a charm imports before it does anything, by its own sources.

Only import statements that run whenever the module is imported count, in the order in which
Python reaches them; the charm's own modules are looked through and never preloaded. So a
preloaded interpreter holds nothing that a fresh one would not hold at the same point.
"""

from __future__ import annotations

import ast
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence


@dataclasses.dataclass(frozen=True)
class Preload:
    """One import: `import module`, or `from module import names`."""

    module: str
    names: tuple[str, ...] = ()


def of_script(script: pathlib.Path, folders: Sequence[pathlib.Path]) -> list[Preload]:
    """What a script imports; modules found in `folders` or beside it are the charm's own."""
    search = (script.parent, *folders)
    found: dict[Preload, None] = {}
    seen = {script}
    waiting = [_imports(script, "")]
    while waiting:
        preload = next(waiting[-1], None)
        if preload is None:
            waiting.pop()
            continue
        own = list(_own(preload, search))
        if not own and preload.module:
            found[preload] = None
        for path, package in reversed(own):
            if path not in seen:
                seen.add(path)
                waiting.append(_imports(path, package))
    return list(found)


def _imports(path: pathlib.Path, package: str) -> Iterator[Preload]:
    """The imports at the top of a module of the given package."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            for name in statement.names:
                yield Preload(name.name)
        elif isinstance(statement, ast.ImportFrom):
            module = _absolute(statement, package)
            if module != "__future__":
                names = (name.name for name in statement.names if name.name != "*")
                yield Preload(module, tuple(names))


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parents = package.split(".") if package else []
    kept = parents[: len(parents) - statement.level + 1]
    return ".".join([*kept, *([statement.module] if statement.module else [])])


def _own(preload: Preload, search: Sequence[pathlib.Path]) -> Iterator[tuple[pathlib.Path, str]]:
    """The charm's own files that an import loads, each with the package that it is in."""
    parts = preload.module.split(".")
    for folder in search:
        chain = [
            found
            for length in range(1, len(parts) + 1)
            if (found := _file(folder, parts[:length])) is not None
        ]
        for name in preload.names:
            found = _file(folder, [*parts, name])
            if found is not None:
                chain.append(found)
        if chain:
            yield from chain
            return


def _file(folder: pathlib.Path, parts: Sequence[str]) -> tuple[pathlib.Path, str] | None:
    place = folder.joinpath(*parts)
    if (place / "__init__.py").is_file():
        return place / "__init__.py", ".".join(parts)
    module = place.with_name(f"{place.name}.py")
    return (module, ".".join(parts[:-1])) if module.is_file() else None
