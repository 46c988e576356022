"""Charm archives over HTTP: upload by POST and PUT, download by GET."""

from __future__ import annotations

import contextlib
import hashlib
import mimetypes
import pathlib
import tempfile
import zipfile
from collections.abc import AsyncIterator

from aiohttp import web

from sandbox.home import Home
from sandbox.juju.api import basic_auth
from sandbox.juju.api.session import Access
from sandbox.juju.errors import JujuError, NotFound
from sandbox.juju.state import charms, values
from sandbox.juju.state.store import Store

MAX_ARCHIVE = 1024 * 1024 * 1024
"""Bytes of one uploaded charm."""

_CHUNK = 1024 * 1024
_SHA_CHARACTERS = 7
"""Of the archive's SHA-256 in the path of an upload by PUT."""


def charm_folder(home: Home) -> pathlib.Path:
    """Where the controller keeps charm archives."""
    return home.folder("juju") / "charms"


class CharmTransfer:
    """The handlers of charm archives (apiserver/charms.go, apiserver/objects.go)."""

    def __init__(self, home: Home, store: Store) -> None:
        self._folder = charm_folder(home)
        self._store = store

    async def post(self, request: web.Request) -> web.Response:
        """POST /model/<uuid>/charms?schema=local: a local charm, named by its metadata."""
        try:
            model = self._uploading(request)
            if request.query.get("schema", "local") != "local":
                raise JujuError("charms may only be uploaded during model migration import")
            async with self._received(request) as archive:
                return self._added(model, archive)
        except JujuError as error:
            return basic_auth.failure(error, "cannot upload charm")

    async def put(self, request: web.Request) -> web.Response:
        """PUT /model-<uuid>/charms/<name>-<sha256 prefix> with the URL in Juju-Curl."""
        try:
            model = self._uploading(request)
            name, dash, digest = request.match_info["object"].rpartition("-")
            if not dash or not name:
                raise _bad(f'"{digest}" is not a valid charm object path')
            url = request.headers.get("Juju-Curl", "")
            if ":" not in url:
                raise _bad(f'"{url}" is not a valid charm url')
            if not url.startswith("local:"):
                raise JujuError(
                    "non-local charms may only be uploaded during model migration import"
                )
            async with self._received(request) as archive:
                _check_digest(archive, digest)
                return self._added(model, archive)
        except JujuError as error:
            return basic_auth.failure(error, "cannot upload charm")

    async def get(self, request: web.Request) -> web.StreamResponse:
        """GET ?url=...: the list of its files; &file=<name> one file, &file=* the archive."""
        try:
            model = basic_auth.authorize(self._store, request, Access.READ)
            url = request.query.get("url")
            if not url:
                raise _bad("expected url=CharmURL query argument")
            with self._store.transaction() as tx:
                charm = charms.get(tx, model, url)
            return _content(charm, request.query.get("file", ""))
        except JujuError as error:
            return basic_auth.failure(error, "cannot retrieve charm")

    def _uploading(self, request: web.Request) -> str:
        model = basic_auth.authorize(self._store, request, Access.WRITE)
        if request.content_type != "application/zip":
            raise _bad(f"expected Content-Type: application/zip, got: {request.content_type}")
        return model

    @contextlib.asynccontextmanager
    async def _received(self, request: web.Request) -> AsyncIterator[pathlib.Path]:
        """The request's body in a file that is gone afterwards."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".upload") as file:
            async for chunk in request.content.iter_chunked(_CHUNK):
                file.write(chunk)
            file.flush()
            yield pathlib.Path(file.name)

    def _added(self, model: str, archive: pathlib.Path) -> web.Response:
        with self._store.transaction() as tx:
            charm = charms.add_local(tx, model, archive, self._folder)
        return web.json_response({"charm-url": charm.url}, headers={"Juju-Curl": charm.url})


def _check_digest(archive: pathlib.Path, wanted: str) -> None:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()[:_SHA_CHARACTERS]
    if digest != wanted:
        raise _bad(f"Uploaded charm sha256 ({digest}) does not match sha in url ({wanted})")


def _content(charm: values.Charm, name: str) -> web.StreamResponse:
    if name == "*":
        return web.FileResponse(charm.archive)
    with zipfile.ZipFile(charm.archive) as archive:
        files = sorted(entry for entry in archive.namelist() if not entry.endswith("/"))
        if not name:
            return web.json_response({"files": files})
        if name not in files:
            raise NotFound(f'charm file "{name}" not found')
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return web.Response(body=archive.read(name), content_type=kind)


def _bad(message: str) -> JujuError:
    return JujuError(message, code="bad request")
