"""The folder that a unit's charm runs in: unpacked once per revision, then laid out per unit."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import zipfile

_COMPILED = ("venv", "lib", "src")
"""Folders with Python code; without .pyc files a hook takes four times as long to start."""

_SHARED = "venv"
"""Files below it are hard links to one copy: nobody edits an installed dependency."""

_MANIFEST = "charm.manifest"


def unpack(archive: pathlib.Path, cache: pathlib.Path, sha256: str, path: str) -> pathlib.Path:
    """The unpacked and compiled charm in the cache, made at the first call for its digest.

    `path` is the PATH of hooks, so that the code is compiled by the Python that will run it.

    Raises:
        OSError, zipfile.BadZipFile: the archive is gone or is none.
    """
    unpacked = cache / sha256
    if unpacked.exists():
        return unpacked
    partial = cache / f"{sha256}.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            _extract(opened, member, partial)
    _compile(partial, path)
    partial.rename(unpacked)
    return unpacked


def lay_out(unpacked: pathlib.Path, charm: pathlib.Path) -> None:
    """Put an unpacked charm into a unit's folder, over an older one where there is one.

    What the charm wrote itself stays; what only the older revision had goes. Every file is
    put in place whole, and a call that was cut off is made good by calling again.
    """
    manifest = charm.parent / _MANIFEST
    old = set(json.loads(manifest.read_text("utf-8"))) if manifest.exists() else set()
    new = _files(unpacked)
    charm.mkdir(parents=True, exist_ok=True)
    # Both are listed while files are on their way, so that a second call misses none.
    _write(manifest, sorted(old | set(new)))
    for name in new:
        _place(unpacked / name, charm / name, link=name.startswith(f"{_SHARED}/"))
    for name in sorted(old - set(new), reverse=True):
        _discard(charm / name, charm)
    _write(manifest, new)


def _extract(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: pathlib.Path) -> None:
    """One member with its permissions; symbolic links stay links."""
    target = (folder / member.filename).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise zipfile.BadZipFile(f"{member.filename} is outside the archive")
    mode = member.external_attr >> 16
    if (mode & 0o170000) == 0o120000:
        target = folder / member.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(opened.read(member).decode())
        return
    opened.extract(member, folder)
    if mode and not member.is_dir():
        target.chmod(mode & 0o777)


def _compile(folder: pathlib.Path, path: str) -> None:
    """Compile its Python code; a file that does not compile fails when it is run."""
    python = shutil.which("python3", path=path)
    folders = [name for name in _COMPILED if (folder / name).is_dir()]
    if python and folders:
        subprocess.run(
            [python, "-m", "compileall", "-q", *folders],
            cwd=folder,
            env={"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def _files(folder: pathlib.Path) -> list[str]:
    """Every file and link below a folder, and its empty folders, relative to it."""
    found = []
    for root, folders, files in os.walk(folder):
        here = pathlib.Path(root)
        links = [name for name in folders if (here / name).is_symlink()]
        found += [str((here / name).relative_to(folder)) for name in (*files, *links)]
    return sorted(found)


def _place(source: pathlib.Path, target: pathlib.Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    if link and not source.is_symlink():
        os.link(source, partial)
    else:
        shutil.copy2(source, partial, follow_symlinks=False)
    # Renaming one hard link of a file over another does nothing and leaves both.
    partial.replace(target)
    partial.unlink(missing_ok=True)


def _discard(path: pathlib.Path, charm: pathlib.Path) -> None:
    path.unlink(missing_ok=True)
    for parent in path.parents:
        if parent == charm or not parent.is_dir() or any(parent.iterdir()):
            return
        parent.rmdir()


def _write(manifest: pathlib.Path, names: list[str]) -> None:
    partial = manifest.with_suffix(".partial")
    partial.write_text(json.dumps(names), "utf-8")
    partial.replace(manifest)
