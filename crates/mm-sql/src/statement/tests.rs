//! What is read of statements.

use super::*;

fn kind(text: &str) -> Kind {
    Statement::read(text).kind()
}

fn refused(text: &str) -> String {
    let statement = Statement::read(text);
    let n = statement.n_arguments as usize;
    statement.check(n).expect_err(text).to_string()
}

#[test]
fn queries() {
    for text in [
        "select 1",
        "SELECT 'INTO' FROM a WHERE b = (SELECT c INTO d)",
        "(select 1) union (select 2)",
        "values (1), (2)",
        "TABLE users",
        "WITH a AS (SELECT 1) SELECT * FROM a",
        "with recursive a(n) as (select 1 union all select n + 1 from a) select n from a;",
        "WITH a AS NOT MATERIALIZED (SELECT 1), \"update\" AS (VALUES (1)) TABLE a",
        "WITH a AS (SELECT 1) SEARCH DEPTH FIRST BY x SET y SELECT 1",
        "SELECT * FROM a FOR UPDATE",
        "WITH a AS (SELECT id FROM b FOR UPDATE) SELECT 1",
        "/* c */ -- d\n SELECT 1 -- e",
    ] {
        assert_eq!(kind(text), Kind::Query, "{text}");
    }
}

#[test]
fn changes_with_rows() {
    let at = |text: &str| match kind(text) {
        Kind::Returning { main, with } => (text[main..].split(' ').next().unwrap_or_default().to_owned(), with),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(at("INSERT INTO a VALUES (1) RETURNING id"), ("INSERT".to_owned(), false));
    assert_eq!(at(" update a set b = 1 returning *"), ("update".to_owned(), false));
    assert_eq!(at("MERGE INTO a USING b ON c WHEN MATCHED THEN DELETE RETURNING x"), ("MERGE".to_owned(), false));
    assert_eq!(at("WITH x AS (SELECT 1) DELETE FROM a RETURNING *"), ("DELETE".to_owned(), true));
    assert_eq!(at("WITH x AS (INSERT INTO a RETURNING *) SELECT * FROM x"), ("SELECT".to_owned(), true));
    assert_eq!(at("WITH x AS (WITH y AS (SELECT 1) UPDATE a RETURNING 1) SELECT 1"), ("SELECT".to_owned(), true));
}

#[test]
fn the_rest() {
    for text in ["SHOW server_version", "EXPLAIN SELECT 1", "FETCH 5 FROM c", "CALL p()", "WITH x"] {
        assert_eq!(kind(text), Kind::Rows, "{text}");
    }
    for text in [
        "INSERT INTO a SELECT 'RETURNING'",
        "DELETE FROM a WHERE b IN (SELECT \"RETURNING\" FROM c)",
        "CREATE TABLE a (id int)",
        "SELECT 1 INTO b",
        "WITH x AS (SELECT 1) SELECT * INTO b FROM x",
        "WITH x AS (INSERT INTO a RETURNING *) UPDATE b SET c = 1",
        "WITH update AS (SELECT 1) UPDATE a SET b = 1",
        "CREATE TABLE a(); CREATE TABLE b();",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "ROLLBACK WORK TO SAVEPOINT a",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
    ] {
        assert_eq!(kind(text), Kind::Command, "{text}");
        assert_eq!(Statement::read(text).check(0), Ok(()), "{text}");
    }
    assert_eq!(kind("SELECT 'a"), Kind::Rows);
    assert_eq!(kind(" ; /* */ ;"), Kind::Empty);
}

#[test]
fn what_would_break_the_connection_is_refused() {
    for text in [
        "BEGIN",
        "start transaction",
        "COMMIT",
        "END",
        "ABORT",
        "ROLLBACK",
        "rollback work",
        "COMMIT PREPARED 'a'",
        "SELECT 1; COMMIT",
        "INSERT INTO a VALUES (1); /**/ rollback",
    ] {
        assert!(refused(text).contains("commit()"), "{text}");
    }
    for text in
        ["PREPARE a AS SELECT 1", "DEALLOCATE ALL", "DISCARD ALL", "LISTEN a", "COPY a FROM STDIN", "copy a to stdout"]
    {
        let failure = Statement::read(text).check(0).expect_err(text);
        assert_eq!(failure.error().kind(), crate::SqlErrorKind::Unsupported, "{text}");
    }
    assert_eq!(Statement::read("COPY a FROM '/tmp/x'").check(0), Ok(()));
}

#[test]
fn arguments_are_counted() {
    let statement = Statement::read("SELECT $2, '$9', $1::int");
    assert_eq!(statement.check(2), Ok(()));
    assert!(statement.check(1).expect_err("one too few").to_string().contains("2 placeholders, and 1 argument"));
    assert!(statement.check(3).is_err());
    let endless = Statement::read("SELECT $99999999999").check(1).expect_err("a number beyond all");
    assert!(endless.to_string().contains("too many placeholders"), "{endless}");
    assert!(Statement::read("SELECT 1").check(70_000).is_err());
    assert!(refused("DELETE FROM a; DELETE FROM b WHERE c = $1").contains("one by one"));
    assert!(refused("DELETE FROM a; SELECT 1").contains("one by one"));
    assert!(refused(";").contains("no statement"));
    assert!(refused("SELECT 1\0").contains("NUL"));
}

#[test]
fn traces_are_known() {
    for text in [
        "SET search_path = x",
        "RESET ALL",
        "CREATE TEMP TABLE a ()",
        "SELECT set_config('a', 'b', false)",
        "SELECT pg_advisory_lock(1)",
        "DO $$ $$",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SELECT 1 INTO TEMP a",
    ] {
        assert!(Statement::read(text).leaves_traces(), "{text}");
    }
    for text in
        ["SET LOCAL search_path = x", "SELECT pg_advisory_xact_lock(1)", "SELECT 'TEMP'", "SET TRANSACTION READ ONLY"]
    {
        assert!(!Statement::read(text).leaves_traces(), "{text}");
    }
}

#[test]
fn stars_are_known() {
    for text in [
        "SELECT *",
        "SELECT a, * FROM b",
        "SELECT b.* FROM b",
        "TABLE b",
        "DELETE FROM a RETURNING *",
        "WITH x AS (SELECT * FROM y) SELECT 1",
    ] {
        assert!(Statement::read(text).takes_all_columns(), "{text}");
    }
    for text in ["SELECT count(*)", "SELECT a * b, 2 * (c) * 3", "SELECT '*'"] {
        assert!(!Statement::read(text).takes_all_columns(), "{text}");
    }
}

#[test]
fn the_body_has_no_semicolon() {
    let statement = Statement::read(" -- x\nSELECT 1 -- y\n ; ; ");
    assert_eq!(statement.body(), "SELECT 1");
    assert_eq!(statement.start(), 6);
}
