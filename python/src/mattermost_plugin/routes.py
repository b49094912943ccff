"""Handlers of HTTP by path, and applications of web frameworks beside them.

::

    class Items(Plugin):
        def __init__(self) -> None:
            self.mount("/app", fastapi_application)

        @route.get("/items/{item_id}")
        def item(self, item_id: int, verbose: bool = False) -> dict[str, object]:
            return {"id": item_id, "verbose": verbose}

        @route.post("/items", permission="manage_system")
        async def add(self, body: NewItem, user: User) -> tuple[int, dict[str, object]]:
            return 201, {"name": body.name, "by": user.username}

        @route.post("/webhook", public=True, signature=WebhookSignature(), key_setting="WebhookSecret")
        def webhook(self, request: HttpRequest) -> None: ...

The path begins after ``/plugins/<id of the plugin>``. What a handler is given is said by its parameters:

==========================================  =============================================================================
a name that is in the path                  that part of the path, as the annotated type
`HttpRequest`, `ResponseWriter`             the request; what to write the answer to
`models.Context`, `models.User`             who asks; the user who is logged in, fetched from the server
``body``, or a dataclass or pydantic model  the body's JSON
any other name                              the query's parameter of this name; a default makes it optional
==========================================  =============================================================================

Types are ``str``, ``int``, ``float``, ``bool``, `uuid.UUID`, `datetime.date`, `datetime.datetime`, enumerations, ``Literal``, ``X | None``,
and for the query ``list`` of these. What does not fit is answered with 400 and a text that says what would.

A handler returns a dict, list, dataclass or pydantic model, sent as JSON; a text; bytes; ``None`` for 204; a pair of status and one of
these; an `HttpResponse`; or it is a generator of events. `HttpError` ends it with another answer.

Only users who are logged in are let through, unless ``public=True``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mattermost_plugin._http.routing import ROUTES, RouteSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mattermost_plugin._http.signature import WebhookSignature

__all__ = ["route"]

Handler = TypeVar("Handler", bound="Callable[..., Any]")


class _Verb:
    """A decorator for one method of HTTP; see `route` for its parameters."""

    def __init__(self, method: str) -> None:
        self._method = method

    def __call__(
        self,
        path: str,
        *,
        public: bool = False,
        permission: str = "",
        signature: WebhookSignature | None = None,
        key_setting: str = "",
    ) -> Callable[[Handler], Handler]:
        """Makes a method the handler of such requests to a path; see `route`."""
        return route(
            path,
            methods=(self._method,),
            public=public,
            permission=permission,
            signature=signature,
            key_setting=key_setting,
        )


class _Route:
    """`route`: a decorator for each method, and one for several."""

    def __call__(
        self,
        path: str,
        *,
        methods: Sequence[str] = ("GET",),
        public: bool = False,
        permission: str = "",
        signature: WebhookSignature | None = None,
        key_setting: str = "",
    ) -> Callable[[Handler], Handler]:
        """Makes a method the handler of requests to a path.

        Args:
            path: Such as ``/items/{item_id}``. ``{rest:path}`` at the end takes everything, slashes too.
            methods: ``GET`` (which answers ``HEAD`` too), ``POST``, …
            public: Whether anybody may ask, not only users who are logged in.
            permission: Id of a permission of the system that the user must have, such as ``manage_system``.
            signature: The scheme in which the sender signs; what does not fit is answered with 401.
            key_setting: Name of the plugin's setting that holds the secret for `signature`.

        Raises:
            HookDefinitionError: The path, or the method below, cannot be used.
        """
        names = tuple(method.upper() for method in methods)
        spec = RouteSpec(
            path, names, public=public, permission=permission, signature=signature, key_setting=key_setting
        )

        def decorate(handler: Handler) -> Handler:
            spec.check(handler)
            setattr(handler, ROUTES, (*getattr(handler, ROUTES, ()), spec))
            return handler

        return decorate

    # What they take is what `route` takes, but for the method.
    #: Handles ``GET`` and ``HEAD``.
    get = _Verb("GET")
    #: Handles ``POST``.
    post = _Verb("POST")
    #: Handles ``PUT``.
    put = _Verb("PUT")
    #: Handles ``PATCH``.
    patch = _Verb("PATCH")
    #: Handles ``DELETE``.
    delete = _Verb("DELETE")


#: Makes a method of a plugin the handler of requests to a path: ``@route.get("/items/{item_id}")``.
route = _Route()
