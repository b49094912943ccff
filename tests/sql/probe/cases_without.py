"""A case for a server without a database."""

from cases import raises

from mattermost_plugin import db


def case_there_is_no_database():
    error = raises(db.DatabaseError, db.connect)
    assert "this server has no database" in str(error), error
