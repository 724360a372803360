//! A filter and a page as one statement of SQL.
//!
//! Each index lists its rows by their id, which is the order of a page, as long as it is asked for
//! one value. So alternatives become statements of their own, each in that order, and SQLite merges
//! them as far as the page goes. What cannot narrow is looked at row by row.

use rusqlite::ToSql;
use shiplog_domain::{
    lane::{Classification, Status},
    names::{EnvironmentName, ServiceName, Version},
};

use super::{
    commit,
    filter::{Comparison, Condition, Fact, Filter},
    words,
};
use crate::{
    ledger::ENTRY,
    page::{Cursor, Page},
    sort_key,
};

/// The most statements that are merged; alternatives beyond that are looked at row by row.
const MOST_BRANCHES: usize = 16;

/// A statement, and what is bound to it.
pub(super) struct Statement {
    pub(super) text: String,
    pub(super) values: Vec<Box<dyn ToSql>>,
}

impl Statement {
    /// What lists the page of the deployments that are wanted.
    pub(super) fn of(filter: &Filter, page: &Page) -> Self {
        let mut values = Values(Vec::new());
        let (comparison, direction) = page.direction();
        let after = page.after.map(|after| (comparison, after));
        let branches = Branch::all(filter);
        let selects: Vec<_> =
            branches.iter().map(|branch| branch.select(after, &mut values)).collect();
        let text = format!(
            "{} ORDER BY place {direction} LIMIT {}",
            selects.join(" UNION ALL "),
            page.probe()
        );
        Self { text, values: values.0 }
    }
}

struct Values(Vec<Box<dyn ToSql>>);

impl Values {
    /// Binds a value; returns what stands for it.
    fn bind(&mut self, value: impl ToSql + 'static) -> String {
        self.0.push(Box::new(value));
        format!("?{}", self.0.len())
    }
}

/// One way in which a filter holds. A deployment is in one of them at most.
#[derive(Clone, Default)]
struct Branch<'f> {
    /// What is so: an index may narrow by it.
    holds: Vec<&'f Fact>,
    /// What is looked at row by row.
    rows: Vec<Looked<'f>>,
}

/// Facts of which one is to be so, or none.
#[derive(Clone, Copy)]
struct Looked<'f> {
    any: &'f [Fact],
    negated: bool,
}

/// What is read first.
struct Source {
    tables: &'static str,
    /// The id, said of what is read first: there alone it is the order in which rows come, and where
    /// to begin.
    key: &'static str,
    conditions: Vec<String>,
}

impl<'f> Branch<'f> {
    fn all(filter: &'f Filter) -> Vec<Self> {
        let mut whole = Self::default();
        let mut open = Vec::new();
        for Condition { any, negated } in &filter.0 {
            match any.as_slice() {
                [fact] if !negated => whole.holds.push(fact),
                [_, ..] if !negated => open.push(any.as_slice()),
                any => whole.rows.push(Looked { any, negated: *negated }),
            }
        }
        // What has a table of its own narrows enough, and would be read once for each branch.
        let is_narrow = whole.holds.iter().any(|fact| has_table(fact));
        let mut branches = vec![whole];
        for any in open {
            if is_narrow || branches.len() * any.len() > MOST_BRANCHES {
                for branch in &mut branches {
                    branch.rows.push(Looked { any, negated: false });
                }
            } else {
                branches = branches.iter().flat_map(|branch| branch.split(any)).collect();
            }
        }
        branches
    }

    /// One branch for each of these facts, without what is in those before.
    fn split(&self, any: &'f [Fact]) -> Vec<Self> {
        let mut branches = Vec::new();
        for (index, fact) in any.iter().enumerate() {
            let mut branch = self.clone();
            branch.holds.push(fact);
            if let (Some(any), 1..) = (any.get(..index), index) {
                branch.rows.push(Looked { any, negated: true });
            }
            branches.push(branch);
        }
        branches
    }

    fn select(&self, after: Option<(&str, Cursor)>, values: &mut Values) -> String {
        let Source { tables, key, mut conditions } = self.source(values);
        for fact in &self.holds {
            // The key has the second alone, so the time is looked at too.
            if let Fact::Since(at) = fact {
                conditions.push(format!("{key} >= {}", values.bind(sort_key::floor(*at))));
            }
            if let Fact::Until(at) = fact {
                conditions.push(format!("{key} < {}", values.bind(sort_key::after(*at))));
            }
            // Words are what is read first.
            if !is_word(fact) {
                conditions.push(holds(fact, values));
            }
        }
        for Looked { any, negated } in &self.rows {
            if *negated && self.has_words() && is_words(any) {
                continue;
            }
            let any: Vec<_> = any.iter().map(|fact| format!("({})", holds(fact, values))).collect();
            let any = if any.is_empty() { "0".into() } else { any.join(" OR ") };
            conditions.push(format!("({any}) IS {}", if *negated { "NOT TRUE" } else { "TRUE" }));
        }
        if let Some((comparison, Cursor(key_after, _))) = after {
            conditions.push(format!("{key} {comparison} {}", values.bind(key_after)));
        }
        let conditions = if conditions.is_empty() { "1".into() } else { conditions.join(" AND ") };
        // A range of commits comes in no order of ids, so that reading it is to be sorted.
        let is_unsorted =
            key == "e.id" && self.holds.iter().any(|fact| matches!(fact, Fact::Commit(_)));
        let sorted = if is_unsorted { "+" } else { "" };
        format!(
            "SELECT {ENTRY}, {sorted}{key} AS place FROM {tables}
             CROSS JOIN deployments d ON d.id = e.id CROSS JOIN lanes l ON l.id = d.lane
             WHERE {conditions}"
        )
    }

    /// Starts from whatever narrows most: words, a label, an artifact, else the filters.
    fn source(&self, values: &mut Values) -> Source {
        if self.has_words() {
            let wanted = self.holds.iter().copied();
            let unwanted = self.rows.iter().filter(|looked| looked.negated && is_words(looked.any));
            let words = words::matching(wanted, unwanted.flat_map(|looked| looked.any));
            return Source {
                tables: "search CROSS JOIN entries e ON e.id = search.rowid",
                key: "search.rowid",
                conditions: vec![format!("search.words MATCH {}", values.bind(words))],
            };
        }
        let label = self.holds.iter().find_map(|fact| {
            if let Fact::Label(name, value) = fact {
                Some((name.clone(), value.clone()))
            } else {
                None
            }
        });
        if let Some((name, value)) = label {
            let mut conditions = vec![format!("b.name = {}", values.bind(name))];
            conditions.extend(value.map(|value| format!("b.value = {}", values.bind(value))));
            let tables = "labels b CROSS JOIN entries e ON e.id = b.id";
            return Source { tables, key: "b.id", conditions };
        }
        let artifact = self.holds.iter().find_map(|fact| {
            if let Fact::Artifact(artifact) = fact { Some(artifact.clone()) } else { None }
        });
        match artifact {
            Some(artifact) => Source {
                tables: "artifacts a CROSS JOIN entries e ON e.id = a.id",
                key: "a.id",
                conditions: vec![format!("a.artifact = {}", values.bind(artifact))],
            },
            None => Source { tables: "entries e", key: "e.id", conditions: Vec::new() },
        }
    }

    fn has_words(&self) -> bool {
        self.holds.iter().any(|fact| is_word(fact))
    }
}

fn has_table(fact: &Fact) -> bool {
    matches!(fact, Fact::Said { .. } | Fact::Label(..) | Fact::Artifact(_))
}

fn is_word(fact: &Fact) -> bool {
    matches!(fact, Fact::Said { .. })
}

fn is_words(any: &[Fact]) -> bool {
    matches!(any, [Fact::Said { .. }])
}

/// The condition on a row of `entries e` that a fact is.
fn holds(fact: &Fact, values: &mut Values) -> String {
    match fact {
        Fact::Service(service) => equal("service", ServiceName::as_str(service), values),
        Fact::Environment(name) => equal("environment", EnvironmentName::as_str(name), values),
        Fact::Actor(id) => equal("actor", id, values),
        Fact::Version(version) => equal("version", Version::as_str(version), values),
        Fact::Commit(prefix) => {
            let from = commit(prefix);
            let to = format!("{from}\u{10FFFF}");
            let (from, to) = (values.bind(from), values.bind(to));
            format!("e.commit_id >= {from} AND e.commit_id < {to}")
        }
        Fact::Artifact(artifact) => {
            let artifact = values.bind(artifact.clone());
            format!(
                "EXISTS (SELECT 1 FROM artifacts x WHERE x.artifact = {artifact} AND x.id = e.id)"
            )
        }
        Fact::Status(status) => with_status(*status),
        Fact::Intent(intent) => with_intent(intent),
        Fact::Classification(classification) => classified(*classification),
        Fact::Declared => format!("{} AND e.void = 0", with_intent("rollback")),
        Fact::Inferred => format!(
            "{} AND e.intent <> 'rollback' AND e.status = 'succeeded' AND e.void = 0",
            classified(Classification::Rollback)
        ),
        Fact::Void => "e.void = 1".into(),
        Fact::TakenBack => "e.taken_back = 1".into(),
        Fact::Contradicted => "e.contradicted = 1".into(),
        Fact::Label(name, value) => {
            let name = values.bind(name.clone());
            let value = value.clone().map(|value| format!("x.value = {} AND", values.bind(value)));
            let value = value.unwrap_or_default();
            format!("EXISTS (SELECT 1 FROM labels x WHERE x.name = {name} AND {value} x.id = e.id)")
        }
        Fact::Since(at) => format!("e.requested_at >= {}", values.bind(at.as_microsecond())),
        Fact::Until(at) => format!("e.requested_at < {}", values.bind(at.as_microsecond())),
        Fact::Took(comparison, ms) => {
            format!("e.duration_ms {} {}", sign(*comparison), values.bind(*ms))
        }
        // Looked up once, and not for each row.
        Fact::Said { .. } => {
            let words = values.bind(words::matching([fact], []));
            format!("e.id IN (SELECT rowid FROM search s WHERE s.words MATCH {words})")
        }
    }
}

// SQLite takes a partial index where its condition stands in the statement, word for word. It draws no
// conclusion from one word to that it is not another.

fn with_status(status: Status) -> String {
    let rare = if status == Status::Succeeded { "" } else { " AND e.status <> 'succeeded'" };
    format!("e.status = '{}'{rare}", status.as_str())
}

fn with_intent(intent: &str) -> String {
    let is_usual = matches!(intent, "deploy" | "unknown");
    let rare = if is_usual { "" } else { " AND e.intent NOT IN ('deploy', 'unknown')" };
    format!("e.intent = '{intent}'{rare}")
}

fn classified(classification: Classification) -> String {
    let is_usual = classification == Classification::New;
    let rare = if is_usual { "" } else { " AND e.classification <> 'new'" };
    format!("e.classification = '{}'{rare}", classification.as_str())
}

fn equal(column: &str, text: &str, values: &mut Values) -> String {
    format!("e.{column} = {}", values.bind(text.to_owned()))
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Above => ">",
        Comparison::AtLeast => ">=",
        Comparison::Below => "<",
        Comparison::AtMost => "<=",
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};

    use super::*;
    use crate::{history::History, projection::Projection as _};

    /// How SQLite would go about it.
    fn plan(facts: impl IntoIterator<Item = Fact>) -> Vec<String> {
        plan_of(&facts.into_iter().collect())
    }

    fn plan_of(filter: &Filter) -> Vec<String> {
        let tables = Connection::open_in_memory().unwrap();
        tables.execute_batch(&History.schema()).unwrap();
        tables.execute_batch(History.indexes()).unwrap();
        let Statement { text, values } = Statement::of(filter, &Page::first(50));
        let mut statement = tables.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get(3)).unwrap();
        steps.collect::<Result<_, _>>().unwrap()
    }

    #[track_caller]
    fn reads(plan: &[String], index: &str) {
        assert!(plan.iter().any(|step| step.contains(index)), "{index} is not read: {plan:#?}");
        let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorts, "what is in order is sorted: {plan:#?}");
    }

    #[test]
    fn what_is_rare_is_read_from_its_index_and_in_order() {
        reads(&plan([Fact::Status(Status::Started)]), "entries_by_status");
        reads(&plan([Fact::Intent("retry")]), "entries_by_intent");
        reads(&plan([Fact::Classification(Classification::Restore)]), "entries_by_classification");
        reads(&plan([Fact::Declared]), "entries_by_intent");
        reads(&plan([Fact::Inferred]), "entries_by_classification");
        reads(&plan([Fact::Void]), "entries_by_void");
        reads(&plan([Fact::TakenBack]), "entries_by_taken_back");
        reads(&plan([Fact::Contradicted]), "entries_by_contradicted");
        reads(&plan([Fact::Actor("ann".into())]), "entries_by_actor");
        reads(&plan([Fact::Label("team".into(), None)]), "labels_by_name");
        reads(&plan([Fact::Label("a:b".into(), Some("c".into()))]), "SEARCH b USING PRIMARY KEY");
    }

    #[test]
    fn commits_are_read_from_their_index_in_whatever_letters_they_are_typed() {
        let plan = plan([Fact::Commit("3F2C9AB".into())]);
        assert!(plan.iter().any(|step| step.contains("entries_by_commit")), "{plan:#?}");
    }

    #[test]
    fn alternatives_are_merged_in_order() {
        let any = vec![Fact::Service("a".parse().unwrap()), Fact::Service("b".parse().unwrap())];
        let filter = Filter(vec![Condition { any, negated: false }]);
        let plan = plan_of(&filter);
        assert!(plan.iter().any(|step| step.contains("MERGE")), "{plan:#?}");
        reads(&plan, "entries_by_service");
        let any = vec![Fact::Declared, Fact::Inferred];
        let plan = plan_of(&Filter(vec![Condition { any, negated: false }]));
        reads(&plan, "entries_by_intent");
        reads(&plan, "entries_by_classification");
    }

    #[test]
    fn more_alternatives_than_are_merged_are_looked_at_row_by_row() {
        let any: Vec<_> = (0..17).map(|one| Fact::Actor(one.to_string())).collect();
        let plan = plan_of(&Filter(vec![Condition { any, negated: false }]));
        assert!(!plan.iter().any(|step| step.contains("MERGE")), "{plan:#?}");
        reads(&plan, "SCAN e");
    }
}
