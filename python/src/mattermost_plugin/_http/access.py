"""Who may ask: users who are logged in, those with a permission, and everybody where that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mattermost_plugin._http.messages import HttpError

if TYPE_CHECKING:
    from mattermost_plugin._http.messages import HttpRequest
    from mattermost_plugin.models import Permission
    from mattermost_plugin.plugin import Plugin

__all__ = ["Access"]


class Access:
    """What a route or an application asks for.

    Args:
        plugin: The plugin, whose API tells permissions.
        public: Whether anybody may ask.
        permission: Id of a permission of the system, or "".
    """

    def __init__(self, plugin: Plugin, *, public: bool, permission: str) -> None:
        self._plugin = plugin
        self._public = public
        self._permission = permission

    def check(self, request: HttpRequest) -> None:
        """Refuses who may not ask.

        Raises:
            HttpError: 401 or 403.
        """
        self._check_user(request)
        if self._permission and not self._plugin.api.has_permission_to(request.user_id, self._model()):
            raise self._forbidden()

    async def check_async(self, request: HttpRequest) -> None:
        """The same, on the event loop."""
        self._check_user(request)
        if self._permission and not await self._plugin.aio.has_permission_to(request.user_id, self._model()):
            raise self._forbidden()

    def _check_user(self, request: HttpRequest) -> None:
        if not self._public and not request.user_id:
            raise HttpError(401, "log in to Mattermost first")

    def _model(self) -> Permission:
        from mattermost_plugin.models import Permission

        return Permission(id=self._permission)

    def _forbidden(self) -> HttpError:
        return HttpError(403, f"this needs the permission {self._permission}")
