//! Every way through the ledger, against a server that dies of what a real one dies of.

use std::collections::{BTreeMap, HashSet, VecDeque};

use super::*;

const OPS: [Op; 18] = [
    Op::Connect,
    Op::Ping,
    Op::Exec,
    Op::Query,
    Op::Begin,
    Op::Commit,
    Op::Rollback,
    Op::Prepare,
    Op::ExecPrepared,
    Op::ClosePrepared,
    Op::Columns,
    Op::Types,
    Op::Precisions(0),
    Op::Precisions(1),
    Op::Precisions(2),
    Op::Next,
    Op::CloseRows,
    Op::Close,
];

/// What is alive at the server, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Server {
    alive: BTreeMap<String, Thing>,
    dead: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing {
    Connection,
    Transaction,
    Statement,
    /// Rows of so many columns, with a time among them or not, at their end or not.
    Rows {
        n_columns: usize,
        time: bool,
        ended: bool,
    },
}

/// How the server behaves in one call.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    /// For a query: rows without columns, or with a time.
    NoColumns,
    Time,
    End,
    Fails,
    /// The call is made, and its answer is lost.
    Lost,
}

const MOODS: [Mood; 6] = [Mood::Fine, Mood::NoColumns, Mood::Time, Mood::End, Mood::Fails, Mood::Lost];

impl Server {
    fn thing(&self, id: Option<&Id>, what: &str) -> Thing {
        let id = id.unwrap_or_else(|| panic!("{what} without an id"));
        *self
            .alive
            .get(id.as_str())
            .unwrap_or_else(|| panic!("the server crashes: {what} of {id:?}, which it does not know"))
    }

    fn has_rows(&self) -> bool {
        self.alive.values().any(|it| matches!(it, Thing::Rows { .. }))
    }

    fn has(&self, thing: Thing) -> bool {
        self.alive.values().any(|it| *it == thing)
    }

    /// Makes a call; panics where a server would die, or a connection of the pool be spoiled.
    fn call(&mut self, op: Op, id: Option<&Id>, mood: Mood, name: &str) -> Outcome {
        assert!(!self.dead, "{op:?} after the connection was lost");
        let made = |server: &mut Self, thing| {
            server.alive.insert(name.to_owned(), thing);
            Outcome::Made(name.to_owned())
        };
        let outcome = match op {
            Op::Connect => match mood {
                Mood::Fails => Outcome::Failed,
                _ => made(self, Thing::Connection),
            },
            Op::Ping | Op::Exec | Op::Query | Op::Begin | Op::Prepare => {
                assert_eq!(self.thing(id, "use"), Thing::Connection);
                assert!(!self.has_rows(), "{op:?} while rows are read: the database's protocol is out of step");
                assert!(op != Op::Begin || !self.has(Thing::Transaction), "a transaction in a transaction");
                match (op, mood) {
                    (_, Mood::Fails) => Outcome::Failed,
                    (Op::Begin, _) => made(self, Thing::Transaction),
                    (Op::Prepare, _) => made(self, Thing::Statement),
                    (Op::Query, _) => {
                        let n_columns = if matches!(mood, Mood::NoColumns) { 0 } else { 2 };
                        made(self, Thing::Rows { n_columns, time: matches!(mood, Mood::Time), ended: false })
                    }
                    _ => Outcome::Done,
                }
            }
            Op::ExecPrepared => {
                assert_eq!(self.thing(id, "use"), Thing::Statement);
                if matches!(mood, Mood::Fails) { Outcome::Failed } else { Outcome::Done }
            }
            Op::Commit | Op::Rollback | Op::ClosePrepared | Op::CloseRows | Op::Close => self.end(op, id, mood),
            Op::Columns | Op::Types | Op::Precisions(_) | Op::Next => self.about_rows(op, id, mood),
        };
        if matches!(mood, Mood::Lost) {
            self.dead = true;
            return Outcome::Unknown;
        }
        outcome
    }

    fn end(&mut self, op: Op, id: Option<&Id>, mood: Mood) -> Outcome {
        let thing = self.thing(id, "end");
        match op {
            Op::Commit | Op::Rollback => {
                assert_eq!(thing, Thing::Transaction);
                assert!(!self.has_rows());
            }
            Op::ClosePrepared => assert_eq!(thing, Thing::Statement),
            Op::CloseRows => assert!(matches!(thing, Thing::Rows { .. })),
            _ => {
                assert_eq!(thing, Thing::Connection);
                assert_eq!(self.alive.len(), 1, "a connection goes back to the pool with {:?}", self.alive);
            }
        }
        // Forgotten, whether ending it succeeds or not.
        self.alive.remove(id.expect("looked up").as_str());
        if matches!(mood, Mood::Fails) { Outcome::Failed } else { Outcome::Done }
    }

    fn about_rows(&mut self, op: Op, id: Option<&Id>, mood: Mood) -> Outcome {
        let Thing::Rows { n_columns, time, ended } = self.thing(id, "read") else { panic!("{op:?} of no rows") };
        match op {
            Op::Columns => Outcome::Columns(n_columns),
            Op::Types => Outcome::Types { harmless: !time },
            Op::Precisions(index) => {
                assert!(index < n_columns, "the server crashes: column {index} of {n_columns}");
                Outcome::Done
            }
            _ => {
                assert!(!time, "the driver service dies: a row with a time");
                assert!(!ended, "a row after the last");
                if matches!(mood, Mood::End | Mood::Fails) {
                    let name = id.expect("looked up").as_str().to_owned();
                    self.alive.insert(name, Thing::Rows { n_columns, time, ended: true });
                    return if matches!(mood, Mood::End) { Outcome::End } else { Outcome::Failed };
                }
                Outcome::Done
            }
        }
    }
}

/// Names by what they are, so that states that differ in nothing else are one; each name is used once in a path all the same, since a
/// thing of a kind is only made when the one before is gone.
fn name(op: Op) -> String {
    format!("{op:?}")
}

/// Ends everything; panics when something is left though the connection was not lost.
fn end_all(mut ledger: Ledger, mut server: Server, mood: Mood) {
    for _ in 0..5 {
        let Some(op) = ledger.next_to_end() else { break };
        let id = ledger.permit(op).expect("what is to be ended may be ended");
        let outcome = server.call(op, id.as_ref(), mood, "");
        ledger.settle(outcome);
    }
    assert_eq!(ledger.next_to_end(), None);
    if !server.dead {
        assert!(server.alive.is_empty(), "{:?} is left", server.alive);
    }
}

#[test]
fn no_way_through_the_ledger_hurts_the_server() {
    let mut seen = HashSet::new();
    let mut waiting = VecDeque::from([(Ledger::default(), Server::default())]);
    while let Some((ledger, server)) = waiting.pop_front() {
        if !seen.insert((ledger.clone(), server.clone())) {
            continue;
        }
        for mood in [Mood::Fine, Mood::Fails, Mood::Lost] {
            end_all(ledger.clone(), server.clone(), mood);
        }
        for op in OPS {
            let mut ledger = ledger.clone();
            let Ok(id) = ledger.permit(op) else { continue };
            assert_eq!(ledger.clone().permit(Op::Ping), Err(Refused::Busy), "two calls at a time");
            assert_eq!(ledger.next_to_end(), None, "nothing is ended while a call is under way");
            for mood in MOODS {
                let (mut ledger, mut server) = (ledger.clone(), server.clone());
                let outcome = server.call(op, id.as_ref(), mood, &name(op));
                ledger.settle(outcome);
                waiting.push_back((ledger, server));
            }
        }
    }
    // So that a ledger that refuses everything does not pass.
    assert!(seen.len() > 50, "{} states", seen.len());
}

fn open() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.permit(Op::Connect).expect("the first");
    ledger.settle(Outcome::Made("c".to_owned()));
    ledger
}

fn make(ledger: &mut Ledger, op: Op, name: &str) {
    ledger.permit(op).unwrap_or_else(|refused| panic!("{op:?}: {refused:?}"));
    ledger.settle(Outcome::Made(name.to_owned()));
}

#[test]
fn a_usual_life() {
    let mut ledger = open();
    make(&mut ledger, Op::Begin, "t");
    make(&mut ledger, Op::Query, "r");
    assert_eq!(ledger.permit(Op::Next), Err(Refused::Order), "the types are not known");
    assert_eq!(ledger.permit(Op::Columns).map(|it| it.map(|it| it.0)), Ok(Some("r".to_owned())));
    ledger.settle(Outcome::Columns(2));
    assert_eq!(ledger.permit(Op::Precisions(2)), Err(Refused::Order));
    assert_eq!(ledger.n_columns(), Some(2));
    ledger.permit(Op::Types).expect("the columns are known");
    ledger.settle(Outcome::Types { harmless: true });
    ledger.permit(Op::Next).expect("harmless");
    ledger.settle(Outcome::Done);
    ledger.permit(Op::Next).expect("harmless");
    ledger.settle(Outcome::End);
    assert_eq!(ledger.permit(Op::Next), Err(Refused::Order));
    assert_eq!(ledger.permit(Op::Commit), Err(Refused::Order), "the rows are open");
    ledger.permit(Op::CloseRows).expect("open");
    ledger.settle(Outcome::Done);
    assert_eq!(ledger.permit(Op::CloseRows), Err(Refused::Order));
    assert_eq!(ledger.permit(Op::Close), Err(Refused::Order), "the transaction is open");
    ledger.permit(Op::Commit).expect("begun");
    ledger.settle(Outcome::Failed);
    assert_eq!(ledger.permit(Op::Rollback), Err(Refused::Order), "over, although it failed");
    assert_eq!(ledger.next_to_end(), Some(Op::Close));
    ledger.permit(Op::Close).expect("nothing is open");
    ledger.settle(Outcome::Failed);
    assert_eq!(ledger.permit(Op::Ping), Err(Refused::Lost));
    assert_eq!(ledger.permit(Op::Connect), Err(Refused::Lost));
}

#[test]
fn rows_with_a_time_are_not_read() {
    let mut ledger = open();
    make(&mut ledger, Op::Query, "r");
    ledger.permit(Op::Columns).expect("open");
    ledger.settle(Outcome::Columns(1));
    ledger.permit(Op::Types).expect("known");
    ledger.settle(Outcome::Types { harmless: false });
    assert_eq!(ledger.permit(Op::Next), Err(Refused::Deadly));
    assert_eq!(ledger.next_to_end(), Some(Op::CloseRows));
}

#[test]
fn a_lost_answer_is_the_end() {
    let mut ledger = open();
    ledger.permit(Op::Begin).expect("open");
    ledger.settle(Outcome::Unknown);
    assert!(ledger.is_lost());
    for op in OPS {
        assert_eq!(ledger.permit(op), Err(Refused::Lost), "{op:?}");
    }
    assert_eq!(ledger.next_to_end(), None);
}
