"""The administrator's password, kept as keystone's charm asks for it.

Its action `rotate-admin-password` leaves the new one in `<home>/openstack/administrator/password`.
Once Keystone has it, all who are told the password are told the new one, and the file is gone.
"""

from __future__ import annotations

from . import access
from .endpoints import Refused, signed_in
from .layout import Layout


class Administrator:
    """The account `admin` of Keystone."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._wanted = layout.made("administrator") / "password"

    async def follow(self) -> None:
        """Change the password where that was asked for.

        Raises:
            Refused, aiohttp.ClientError: keystone did not take it; the next look tries again.
        """
        if not self._wanted.exists():
            return
        wanted = self._wanted.read_text(encoding="ascii")
        if not await self._has(wanted):
            async with signed_in(self._layout) as keystone:
                [admin] = (await keystone.ask("users?name=admin&domain_id=default"))["users"]
                body = {"user": {"password": wanted}}
                await keystone.ask(f"users/{admin['id']}", "PATCH", body)
        self._layout.passwords["admin"] = wanted
        self._layout.keep_passwords()
        access.announce(self._layout)
        self._wanted.unlink()

    async def _has(self, password: str) -> bool:
        """Whether it is the password by now: who changed it may have been killed after that."""
        try:
            async with signed_in(self._layout, password):
                return True
        except Refused:
            return False
