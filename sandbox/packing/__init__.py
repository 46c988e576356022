"""Packs the project's charms with the real charmcraft, on any host that the sandbox runs on.

An operator packs with `charmcraft pack` on Ubuntu. Here there may be neither LXD nor Ubuntu,
so charmcraft runs in destructive mode in a clean copy of the tree; on a host that is not the
charm's base it runs in a mount namespace of its own whose os-release says Ubuntu 24.04. What
is packed once is kept by the content of its sources.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHARMS = ("maas-bmc", "baremetal-inventory", "openstack-coordinator", "k8s-on-openstack")
_CACHE = ROOT / ".cache"
_CHARMCRAFT = _CACHE / "charmcraft"
_PROJECT = pathlib.Path(__file__).with_name("charmcraft")
_SHARED = ("lib", "pyproject.toml", "uv.lock", "sandbox/packing/charmcraft/uv.lock")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UBUNTU = """\
NAME="Ubuntu"
ID=ubuntu
ID_LIKE=debian
VERSION_ID="24.04"
VERSION_CODENAME=noble
PRETTY_NAME="Ubuntu 24.04 LTS"
"""


class PackingError(Exception):
    """charmcraft refused; the message ends with what it said."""


def packed_path(charm: str) -> pathlib.Path:
    """Where a packed charm lies, and where the bundles look for it."""
    return ROOT / "charms" / charm / f"{charm}_amd64.charm"


def pack(charm: str) -> bool:
    """Pack one charm unless the same sources were packed before; True when charmcraft ran.

    Raises:
        PackingError: charmcraft, or the making of its environment, failed.
    """
    kept = _CACHE / "charms" / f"{charm}-{_fingerprint(charm)}.charm"
    ran = not kept.exists()
    if ran:
        _ensure_charmcraft()
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"pack-{charm}-") as build:
            tree = pathlib.Path(build) / "tree"
            _copy_sources(tree, charm)
            _run_charmcraft(tree / "charms" / charm, pathlib.Path(build))
            packed = tree / "charms" / charm / packed_path(charm).name
            # Complete or absent: a killed copy must not look like a packed charm.
            part = kept.with_suffix(".part")
            shutil.copyfile(packed, part)
            part.rename(kept)
    _place(kept, packed_path(charm))
    return ran


def pack_in_place(charm: pathlib.Path) -> None:
    """Run charmcraft in a charm's own folder, where it leaves the packed file.

    Raises:
        PackingError: charmcraft, or the making of its environment, failed.
    """
    _ensure_charmcraft()
    with tempfile.TemporaryDirectory(prefix="pack-") as workplace:
        _run_charmcraft(charm, pathlib.Path(workplace))


def _fingerprint(charm: str) -> str:
    digest = hashlib.sha256()
    for path in _sources(f"charms/{charm}", *_SHARED):
        if "/tests/" in path or path.endswith(".md"):
            continue
        digest.update(path.encode() + b"\0")
        digest.update((ROOT / path).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _sources(*places: str) -> list[str]:
    """The files below these places that git tracks, or would, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", *places],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(path for path in listed.split("\0") if path and (ROOT / path).is_file())


def _copy_sources(tree: pathlib.Path, charm: str) -> None:
    """What charmcraft and the uv workspace need: the libraries, the charm, every pyproject."""
    wanted = {*_sources(f"charms/{charm}", *_SHARED), *_sources("charms/*/pyproject.toml")}
    for path in wanted:
        target = tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)


def _ensure_charmcraft() -> None:
    if (_CHARMCRAFT / "bin" / "charmcraft").exists():
        return
    python = "/usr/bin/python3"  # the distribution's own: python3-apt belongs to it
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(_CHARMCRAFT)}
    uv = shutil.which("uv") or str(ROOT / ".venv" / "bin" / "uv")
    for command in (
        [
            uv,
            "venv",
            "--quiet",
            "--clear",
            "--system-site-packages",
            "--python",
            python,
            _CHARMCRAFT,
        ],
        [uv, "sync", "--quiet", "--frozen", "--project", _PROJECT],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise PackingError(f"charmcraft's environment could not be made: {done.stderr}")


def _run_charmcraft(charm: pathlib.Path, workplace: pathlib.Path) -> None:
    command = [_CHARMCRAFT / "bin" / "charmcraft", "pack", "--destructive-mode"]
    command.append("--verbosity=brief")
    if not _host_is_base():
        os_release = workplace / "os-release"
        os_release.write_text(_UBUNTU, encoding="ascii")
        inside = f'mount --bind "{os_release}" "$(readlink -f /etc/os-release)" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", inside, "sh", *command]
    state = workplace / "state"
    environment = {
        "PATH": f"{_CHARMCRAFT}/bin:{_SYSTEM_PATH}",
        "HOME": os.environ.get("HOME", "/root"),
        "LANG": "C.UTF-8",
        "XDG_STATE_HOME": str(state),
        "XDG_RUNTIME_DIR": str(state),
        **{name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)},
    }
    done = subprocess.run(
        command,
        cwd=charm,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise PackingError(f"charmcraft could not pack {charm.name}:\n{said}")


# How this host reaches its package index and its proxy.
_PASSED_ON = ("UV_", "PIP_", "SSL_", "HTTP_", "HTTPS_", "NO_", "http", "no_proxy")


def _host_is_base() -> bool:
    text = pathlib.Path("/etc/os-release").read_text(encoding="utf-8")
    lines = {line.replace('"', "") for line in text.splitlines()}
    return {"ID=ubuntu", "VERSION_ID=24.04"} <= lines


def _place(kept: pathlib.Path, target: pathlib.Path) -> None:
    if target.exists() and target.samefile(kept):
        return
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(kept)
    except OSError:
        shutil.copyfile(kept, target)
