"""Resources over HTTP: a file uploaded by PUT, read back by GET (apiserver/resources.go)."""

from __future__ import annotations

import hashlib
import pathlib
import tempfile
from typing import Any

from aiohttp import web

from sandbox.home import Home
from sandbox.juju.api import basic_auth, tags
from sandbox.juju.api.facades.resources import resource_document
from sandbox.juju.api.session import Access
from sandbox.juju.errors import JujuError
from sandbox.juju.state import resources
from sandbox.juju.state.store import Store

_CHUNK = 1024 * 1024


class ResourceTransfer:
    """The handlers of /model/<uuid>/applications/<name>/resources/<name>."""

    def __init__(self, home: Home, store: Store) -> None:
        self._folder = home.folder("juju") / "resources"
        self._store = store

    async def put(self, request: web.Request) -> web.Response:
        """An upload; with `pendingid` for a deploy or refresh that follows."""
        try:
            model = basic_auth.authorize(self._store, request, Access.WRITE)
            application, name = _named(request)
            path, digest, size = await self._received(request)
            with self._store.transaction() as tx:
                stored = resources.put(
                    tx,
                    model,
                    application,
                    name,
                    path,
                    sha384=digest,
                    size=size,
                    pending="pendingid" in request.query,
                )
        except JujuError as error:
            return basic_auth.failure(error, "cannot upload resource")
        return web.json_response({"resource": _document(stored)})

    async def get(self, request: web.Request) -> web.StreamResponse:
        """The file."""
        try:
            model = basic_auth.authorize(self._store, request, Access.READ)
            application, name = _named(request)
            with self._store.transaction() as tx:
                stored = resources.get(tx, model, application, name)
        except JujuError as error:
            return basic_auth.failure(error, "cannot retrieve resource")
        headers = {"Content-Type": "application/octet-stream"}
        return web.FileResponse(stored.path, headers=headers)

    async def _received(self, request: web.Request) -> tuple[pathlib.Path, str, int]:
        """The request's body as a kept file named by its digest, the digest and the size."""
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha384(), 0
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            async for chunk in request.content.iter_chunked(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        found = digest.hexdigest()
        claimed = request.headers.get("Content-Sha384") or found
        return self._keep(pathlib.Path(file.name), found, claimed), found, size

    def _keep(self, received: pathlib.Path, digest: str, claimed: str) -> pathlib.Path:
        if claimed != digest:
            received.unlink()
            raise JujuError(
                f"resource does not match its fingerprint ({claimed})", code="bad request"
            )
        return received.replace(self._folder / digest)


def _named(request: web.Request) -> tuple[str, str]:
    application, name = request.match_info["application"], request.match_info["resource"]
    if not tags.valid_application(application):
        raise JujuError(f'"{application}" is not a valid application', code="bad request")
    return application, name


def _document(stored: resources.Resource) -> dict[str, Any]:
    declared = {"name": stored.name, "type": stored.kind, "path": "", "fingerprint": None}
    return resource_document(stored.application, declared, stored)
