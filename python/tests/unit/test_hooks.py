"""`@hook` and the class's collection of handlers: every mistake is said at import, with what to write."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from mattermost_plugin import HookDefinitionError, HookName, Plugin, hook
from mattermost_plugin._generated.hooks import HOOKS
from mattermost_plugin._runtime.options import Options, options_problem


def handlers(plugin_class: type[Plugin]) -> dict[str, str]:
    return {go: it.attribute for go, it in plugin_class.__mattermost_hooks__.items()}


def test_a_hook_can_be_named_in_every_spelling() -> None:
    class All(Plugin):
        @hook(HookName.OnActivate)
        def start(self) -> None: ...

        @hook("OnDeactivate")
        def stop(self) -> None: ...

        @hook("on_configuration_change")
        def changed(self) -> None: ...

        @hook
        def message_has_been_posted(self, context: Any, post: Any) -> None: ...

        @hook
        def UserHasBeenCreated(self, context: Any, user: Any) -> None: ...  # noqa: N802

        @hook()
        def user_has_logged_in(self, context: Any, user: Any) -> None: ...

    assert handlers(All) == {
        "OnActivate": "start",
        "OnDeactivate": "stop",
        "OnConfigurationChange": "changed",
        "MessageHasBeenPosted": "message_has_been_posted",
        "UserHasBeenCreated": "UserHasBeenCreated",
        "UserHasLoggedIn": "user_has_logged_in",
    }


def test_a_handler_stays_an_ordinary_method() -> None:
    class Simple(Plugin):
        @hook(HookName.OnActivate)
        def start(self) -> str:
            return "started"

    assert Simple().start() == "started"


def test_parameters_with_defaults_and_star_args_fit() -> None:
    class Flexible(Plugin):
        @hook(HookName.MessageWillBePosted)
        def one(self, context: Any, post: Any, extra: int = 0) -> None: ...

        @hook(HookName.MessageHasBeenPosted)
        def two(self, *args: Any) -> None: ...

        @hook(HookName.ServeHTTP)
        def three(self, context: Any, writer: Any, request: Any) -> None: ...

        @hook(HookName.ServeMetrics)
        def four(self, context: Any, request: Any) -> None: ...

    assert len(handlers(Flexible)) == 4


def test_decorated_handlers_fit() -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    class Decorated(Plugin):
        @hook(HookName.OnActivate)
        @logged
        def inner(self) -> None: ...

        @logged
        @hook(HookName.OnDeactivate)
        def outer(self) -> None: ...

    assert handlers(Decorated) == {"OnActivate": "inner", "OnDeactivate": "outer"}


def test_handlers_are_inherited_and_overridden() -> None:
    class Mixin:
        @hook(HookName.OnDeactivate)
        def stop(self) -> str:
            return "mixin"

    class Base(Plugin):
        @hook(HookName.OnActivate)
        def start(self) -> str:
            return "base"

    class Child(Mixin, Base):
        def start(self) -> str:
            return "child"

        @hook(HookName.OnDeactivate)
        def stop(self) -> str:
            return "child"

    assert handlers(Base) == {"OnActivate": "start"}
    assert handlers(Child) == {"OnActivate": "start", "OnDeactivate": "stop"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("MessageWillBePostd", "@hook('MessageWillBePostd'): there is no such hook; did you mean MessageWillBePosted"),
        ("message_was_posted", "did you mean "),
        ("Nonsense", "@hook('Nonsense'): there is no such hook; HookName lists all hooks"),
    ],
)
def test_an_unknown_hook_suggests_others(name: str, text: str) -> None:
    with pytest.raises(HookDefinitionError) as caught:
        hook(name)
    assert text in str(caught.value)


def test_something_else_in_place_of_a_name() -> None:
    with pytest.raises(HookDefinitionError, match=r"@hook\(3\): give the hook's name, such as HookName\."):
        hook(3)  # type: ignore[call-overload]


def test_a_plain_hook_on_a_method_of_another_name() -> None:
    with pytest.raises(HookDefinitionError) as caught:

        class Wrong(Plugin):
            @hook
            def on_activated(self) -> None: ...

    text = str(caught.value)
    assert "no hook is called 'on_activated'; did you mean on_activate" in text
    assert "@hook(HookName.…)" in text


def few(self: Any, post: Any) -> None: ...
def many(self: Any, a: Any, b: Any, c: Any) -> None: ...
def none() -> None: ...
def only_self(self: Any) -> None: ...
def keyword(self: Any, context: Any, post: Any, *, option: int) -> None: ...
async def asynchronous(self: Any, post: Any) -> None: ...
def generator(self: Any, context: Any, post: Any) -> Any:
    yield 1


async def async_generator(self: Any, context: Any, post: Any) -> Any:
    yield 1


SIGNATURE = "(self, context: Context, post: Post) -> Allow | Replace[Post] | Reject | Dismiss | Post | None"


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (few, f"takes 1 argument besides self (post), but the hook passes 2; write: def few{SIGNATURE}"),
        (many, f"takes 3 arguments besides self (a, b, c), but the hook passes 2; write: def many{SIGNATURE}"),
        (only_self, f"takes no argument besides self, but the hook passes 2; write: def only_self{SIGNATURE}"),
        (none, f"has no parameter; the first must be self; write: def none{SIGNATURE}"),
        (keyword, "has the keyword-only parameter 'option', but hooks are called with positions only"),
        (asynchronous, f"; write: async def asynchronous{SIGNATURE}"),
        (generator, "contains `yield`, so calling it does nothing; return the result in place of yielding it"),
        (async_generator, "contains `yield`"),
        (staticmethod(few), "is a staticmethod; make it an ordinary method with self"),
        (classmethod(few), "is a classmethod; make it an ordinary method with self"),
        (property(few), "is no function but property; put @hook right above a `def`"),
        (object(), "is no function but object; put @hook right above a `def`"),
        (int, "is no function but type; put @hook right above a `def`"),
    ],
)
def test_a_handler_that_cannot_work_is_refused(handler: Any, text: str) -> None:
    with pytest.raises(HookDefinitionError) as caught:
        hook(HookName.MessageWillBePosted)(handler)
    message = str(caught.value)
    assert text in message
    assert "the handler of MessageWillBePosted" in message
    assert "\n" not in message


def test_the_error_names_the_method() -> None:
    with pytest.raises(
        HookDefinitionError, match=r"^test_.*Wrong\.filter_message, the handler of MessageWillBePosted, "
    ):

        class Wrong(Plugin):
            @hook(HookName.MessageWillBePosted)  # type: ignore[arg-type, unused-ignore]
            def filter_message(self, post: Any) -> None: ...


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ServeHTTP", "but the hook passes 2 or 3; write: def few(self, context: Context, request: HttpRequest) -> "),
        ("ServeHTTP", " or def few(self, context, writer, request)"),
        ("UserWillLogIn", "(self, context: Context, user: User) -> Allow | Reject | str | None"),
        ("OnConfigurationChange", "takes 1 argument besides self (post), but the hook passes 0"),
    ],
)
def test_signatures_fit_the_hook(name: str, text: str) -> None:
    with pytest.raises(HookDefinitionError) as caught:
        hook(name)(few)
    assert text in str(caught.value)


def test_something_that_cannot_be_marked() -> None:
    class Callable_:  # noqa: N801
        __slots__ = ()

        def __call__(self, *args: object) -> None: ...

    with pytest.raises(HookDefinitionError, match=r"@hook cannot mark a Callable_; write a `def` that calls it"):
        hook(HookName.OnActivate)(Callable_())


def test_one_method_for_two_hooks() -> None:
    with pytest.raises(HookDefinitionError, match="is marked for two hooks, OnActivate and OnDeactivate"):

        class Wrong(Plugin):
            @hook(HookName.OnDeactivate)
            @hook(HookName.OnActivate)
            def both(self) -> None: ...


def test_two_methods_for_one_hook() -> None:
    with pytest.raises(HookDefinitionError) as caught:

        class Wrong(Plugin):
            @hook(HookName.OnActivate)
            def one(self) -> None: ...

            @hook(HookName.OnActivate)
            def two(self) -> None: ...

    text = str(caught.value)
    assert "Wrong.one and " in text
    assert "Wrong.two both handle OnActivate; a hook has one handler: let it call the other one" in text


def test_an_override_that_does_not_fit() -> None:
    class Base(Plugin):
        @hook(HookName.OnActivate)
        def start(self) -> None: ...

    with pytest.raises(
        HookDefinitionError, match=r"Child\.start, the handler of OnActivate, takes 1 argument besides self"
    ):

        class Child(Base):
            def start(self, x: int) -> None: ...  # type: ignore[override]

    with pytest.raises(HookDefinitionError, match=r"is no function but int"):

        class Hidden(Base):
            start = 3  # type: ignore[assignment]


def test_a_forgotten_decorator_is_warned_of() -> None:
    with pytest.warns(
        UserWarning, match=r"Forgetful\.on_activate is named like the hook OnActivate but will not be called"
    ) as seen:

        class Forgetful(Plugin):
            def on_activate(self) -> None: ...

    assert seen[0].filename == __file__


def test_other_methods_are_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        class Fine(Plugin):
            def helper(self) -> None: ...


# Options.


def test_options_are_kept_with_the_handler() -> None:
    class Filter(Plugin):
        @hook(HookName.MessageWillBePosted, deadline=2.5, on_error="reject", rejection="Not now.")
        def check(self, context: Any, post: Any) -> None: ...

        @hook(idempotent=True)
        def message_has_been_posted(self, context: Any, post: Any) -> None: ...

        @hook(HookName.ExecuteCommand, on_error="reject", rejection="Try again.")
        def run(self, context: Any, args: Any) -> None: ...

        @hook("OnActivate")
        def start(self) -> None: ...

    options = {go: it.options for go, it in Filter.__mattermost_hooks__.items()}
    assert options == {
        "MessageWillBePosted": Options(2.5, "reject", "Not now.", False),
        "MessageHasBeenPosted": Options(idempotent=True),
        "ExecuteCommand": Options(on_error="reject", rejection="Try again."),
        "OnActivate": Options(),
    }


def test_an_override_keeps_the_options_unless_it_has_its_own() -> None:
    class Base(Plugin):
        @hook(HookName.MessageWillBePosted, deadline=2)
        def check(self, context: Any, post: Any) -> None: ...

        @hook(HookName.UserWillLogIn, deadline=2)
        def check_login(self, context: Any, user: Any) -> None: ...

    class Derived(Base):
        def check(self, context: Any, post: Any) -> None: ...

        @hook(HookName.UserWillLogIn)
        def check_login(self, context: Any, user: Any) -> None: ...

    deadlines = {go: it.options.deadline for go, it in Derived.__mattermost_hooks__.items()}
    assert deadlines == {"MessageWillBePosted": 2, "UserWillLogIn": None}


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        (
            "MessageWillBePosted",
            {"deadline": 0},
            "has deadline=0: give seconds, from 0.001 to 86400, such as deadline=2.5",
        ),
        ("MessageWillBePosted", {"deadline": float("nan")}, "has deadline=nan: give seconds"),
        ("MessageWillBePosted", {"deadline": "5s"}, "has deadline='5s': give seconds"),
        ("MessageWillBePosted", {"deadline": True}, "has deadline=True: give seconds"),
        ("MessageWillBePosted", {"on_error": "deny"}, "has on_error='deny': it is 'allow' or 'reject'"),
        ("MessageWillBePosted", {"on_error": "reject"}, "without a text for the person who asked: add rejection="),
        ("MessageWillBePosted", {"on_error": "reject", "rejection": " "}, "without a text for the person who asked"),
        ("MessageWillBePosted", {"rejection": "No."}, "add on_error='reject'"),
        ("MessageWillBePosted", {"on_error": "reject", "rejection": 5}, "has rejection=5: it is the text"),
        ("MessageWillBePosted", {"idempotent": True}, "MessageWillBePosted is answered instead: leave it out"),
        ("MessageWillBePosted", {"idempotent": 1}, "has idempotent=1: it is True or False"),
    ],
)
def test_a_wrong_option_is_said_with_what_is_right(name: str, options: dict[str, Any], text: str) -> None:
    decorate: Any = hook
    with pytest.raises(HookDefinitionError) as caught:

        @decorate(name, **options)
        def check(self: Any, context: Any, post: Any) -> None: ...

    assert text in str(caught.value)
    assert "check, the handler of MessageWillBePosted, " in str(caught.value)


def test_only_hooks_that_can_refuse_refuse() -> None:
    """What a hook can do comes from its generated description, for all of them."""
    refusing = Options(on_error="reject", rejection="No.")
    for spec in HOOKS.values():
        problem = options_problem(refusing, spec)
        assert (problem is None) == bool(spec.refusal), spec.go
        if problem is not None:
            assert f"{spec.go} cannot refuse anything" in problem
        assert (options_problem(Options(idempotent=True), spec) is None) == (spec.kind == "tells"), spec.go
    assert {spec.go for spec in HOOKS.values() if spec.kind == "decides" and not spec.refusal} == {
        "MessagesWillBeConsumed"
    }
