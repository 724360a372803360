//! What can be asked of it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Result, ToSql, params, params_from_iter};
use shiplog_domain::{
    lane::{Classification, DeploymentNumber, LaneId, Status},
    names::{EnvironmentName, ServiceName, Version},
};

use super::words;
use crate::{
    columns::{name, timestamp},
    ledger::{ENTRY, Entry, read_entry},
    page::{Listed, Page},
    projection::View,
    sort_key,
};

/// Which deployments are wanted; nothing set is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this service.
    pub service: Option<ServiceName>,
    /// In this environment.
    pub environment: Option<EnvironmentName>,
    /// Requested by the actor with this id.
    pub actor: Option<String>,
    /// Of this version.
    pub version: Option<Version>,
    /// Built from a commit that begins so.
    pub commit: Option<String>,
    /// With an artifact of this name or digest.
    pub artifact: Option<String>,
    /// That have come this far.
    pub status: Option<Status>,
    /// For this reason: `deploy`, `rollback`, `roll_forward`, `retry`, `unknown`.
    pub intent: Option<String>,
    /// That were this, seen from their lane.
    pub classification: Option<Classification>,
    /// With these labels, names and values.
    pub labels: Vec<(String, String)>,
    /// Requested then or later.
    pub since: Option<Timestamp>,
    /// Requested before then.
    pub until: Option<Timestamp>,
    /// That these words were said of: see [`list`].
    pub q: Option<String>,
}

/// One stay of a release in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it ran.
    pub environment: EnvironmentName,
    /// The deployment that put it there.
    pub number: DeploymentNumber,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none while it runs.
    pub until: Option<Timestamp>,
}

/// Lists deployments by when they were requested, to the second, then by record.
///
/// A search is words that must all be there, `"a phrase"`, `begin*` and `-not`;
/// what cannot be read as one of them is taken as a word.
///
/// # Errors
///
/// What SQLite says.
pub fn list(view: &View<'_>, filter: &Filter, page: &Page) -> Result<Listed<Entry>> {
    let mut query = Query::of(filter);
    query.narrow(filter);
    let (comparison, direction) = page.direction();
    if let Some(after) = page.after {
        query.when(&format!("{} {comparison} ", query.key), after.0);
    }
    let Query { source, key, conditions, values, unsorted } = query;
    let key = if unsorted { "+e.id" } else { key };
    let conditions = if conditions.is_empty() { "1".into() } else { conditions.join(" AND ") };
    let statement = format!(
        "SELECT {ENTRY} FROM {source}
         CROSS JOIN deployments d ON d.id = e.id CROSS JOIN lanes l ON l.id = d.lane
         WHERE {conditions} ORDER BY {key} {direction} LIMIT {}",
        page.probe()
    );
    let found = view
        .0
        .prepare_cached(&statement)?
        .query_map(params_from_iter(values), read_entry)?
        .collect::<Result<Vec<_>>>()?;
    Ok(page.cut(found))
}

/// A statement in the making.
struct Query {
    source: &'static str,
    /// The id, said of what is read first: there alone it is the order in which rows come, and where
    /// to begin.
    key: &'static str,
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
    /// Whether the rows come from a range of an index and so in no order of ids.
    unsorted: bool,
}

impl Query {
    /// Starts from whatever narrows most: words, a label, an artifact, else the filters.
    fn of(filter: &Filter) -> Self {
        let mut query = Self {
            source: "entries e",
            key: "e.id",
            conditions: Vec::new(),
            values: Vec::new(),
            unsorted: false,
        };
        let labels = filter.labels.iter();
        if let Some(words) = filter.q.as_deref().and_then(words::query) {
            query.source = "search CROSS JOIN entries e ON e.id = search.rowid";
            query.key = "search.rowid";
            query.when("search.words MATCH ", words);
        } else if let Some((name, value)) = labels.as_slice().first() {
            query.source = "labels b CROSS JOIN entries e ON e.id = b.id";
            query.key = "b.id";
            query.when("b.name = ", name.clone());
            query.when("b.value = ", value.clone());
        } else if let Some(artifact) = &filter.artifact {
            query.source = "artifacts a CROSS JOIN entries e ON e.id = a.id";
            query.key = "a.id";
            query.when("a.artifact = ", artifact.clone());
        }
        query
    }

    fn when(&mut self, condition: &str, value: impl ToSql + 'static) {
        self.values.push(Box::new(value));
        self.conditions.push(format!("{condition}?{}", self.values.len()));
    }

    fn narrow(&mut self, filter: &Filter) {
        let texts = [
            ("e.service = ", filter.service.as_ref().map(ServiceName::as_str)),
            ("e.environment = ", filter.environment.as_ref().map(EnvironmentName::as_str)),
            ("e.actor = ", filter.actor.as_deref()),
            ("e.version = ", filter.version.as_ref().map(Version::as_str)),
            ("e.intent = ", filter.intent.as_deref()),
        ];
        for (condition, text) in texts {
            if let Some(text) = text {
                self.when(condition, text.to_owned());
            }
        }
        // Written out, so that the partial indexes on them can be used.
        if let Some(status) = filter.status {
            self.conditions.push(format!("e.status = '{}'", status.as_str()));
        }
        if let Some(classification) = filter.classification {
            self.conditions.push(format!("e.classification = '{}'", classification.as_str()));
        }
        if let Some(prefix) = &filter.commit {
            self.unsorted = self.key == "e.id";
            self.when("e.commit_id >= ", prefix.clone());
            self.when("e.commit_id < ", format!("{prefix}\u{10FFFF}"));
        }
        self.narrow_times(filter);
        for (name, value) in &filter.labels {
            self.values.extend([boxed(name.clone()), boxed(value.clone())]);
            let last = self.values.len();
            self.conditions.push(format!(
                "EXISTS (SELECT 1 FROM labels x WHERE x.name = ?{} AND x.value = ?{last}
                         AND x.id = e.id)",
                last - 1
            ));
        }
        if let Some(artifact) = &filter.artifact {
            self.values.push(boxed(artifact.clone()));
            self.conditions.push(format!(
                "EXISTS (SELECT 1 FROM artifacts x WHERE x.artifact = ?{} AND x.id = e.id)",
                self.values.len()
            ));
        }
    }

    /// The key has the second alone, so the time is looked at too.
    fn narrow_times(&mut self, filter: &Filter) {
        if let Some(since) = filter.since {
            self.when(&format!("{} >= ", self.key), sort_key::floor(since));
            self.when("e.requested_at >= ", since.as_microsecond());
        }
        if let Some(until) = filter.until {
            self.when(&format!("{} < ", self.key), sort_key::after(until));
            self.when("e.requested_at < ", until.as_microsecond());
        }
    }
}

fn boxed(value: String) -> Box<dyn ToSql> {
    Box::new(value)
}

/// One deployment.
///
/// # Errors
///
/// What SQLite says.
pub fn one(view: &View<'_>, lane: &LaneId, number: DeploymentNumber) -> Result<Option<Entry>> {
    view.0
        .prepare_cached(&format!(
            "SELECT {ENTRY} FROM lanes l JOIN deployments d ON d.lane = l.id
             WHERE l.service = ? AND l.environment = ? AND d.number = ?"
        ))?
        .query_row(params![lane.service.as_str(), lane.environment.as_str(), number.0], |row| {
            read_entry(row).map(|(_, entry)| entry)
        })
        .optional()
}

/// Where and when a release ran, by environment, then by time.
///
/// # Errors
///
/// What SQLite says.
pub fn runs(view: &View<'_>, service: &ServiceName, version: &Version) -> Result<Vec<Run>> {
    view.0
        .prepare_cached(include_str!("runs.sql"))?
        .query_map([service.as_str(), version.as_str()], |row| {
            let until: Option<i64> = row.get(3)?;
            Ok(Run {
                environment: name(0, &row.get::<_, String>(0)?)?,
                number: DeploymentNumber(row.get(1)?),
                since: timestamp(2, row.get(2)?)?,
                until: until.map(|until| timestamp(3, until)).transpose()?,
            })
        })?
        .collect()
}
