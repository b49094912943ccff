"""One simulated server with the probe for each file of tests, and what everybody needs in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sim_session import Api, Session, World


@pytest.fixture(scope="module")
def session(mm_host: Path) -> Iterator[Session]:
    """The host, with the plugin activated."""
    running = Session(mm_host)
    yield running
    running.close()


@pytest.fixture(scope="module")
def api(session: Session) -> Api:
    """The plugin's API."""
    return Api(session.peer)


@pytest.fixture(scope="module")
def world(session: Session, api: Api) -> World:
    """The demo server."""
    team = api.get_team_by_name("dev")
    square = api.get_channel_by_name(team.id, "town-square", False)
    people = [api.get_user_by_username(name) for name in ("admin", "anna", "ben", "carol")]
    return World(session, team, square, *people)
