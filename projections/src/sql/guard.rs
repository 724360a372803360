//! What a question may do: read the documented tables, with functions that depend on nothing else,
//! within bounds.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{
    Connection, Result,
    hooks::{AuthAction, AuthContext, Authorization},
    limits::Limit,
};

use super::{NAMES, PREFIX, now};

/// The most bytes that one value, and so one row, has.
///
/// More than an event has, which is 1 MiB and a little.
pub(super) const MAX_VALUE_BYTES: i32 = 5 << 18;

/// The most bytes that a question has.
pub(super) const MAX_QUERY_BYTES: i32 = 100_000;

/// The most instructions that a question is made into. SQLite looks whether it is to end where it jumps, and
/// not on the way from one jump to the next, on which each instruction may be a function of a large value.
const MAX_INSTRUCTIONS: i32 = 6_000;

/// What keeps a question small whose text is.
const LIMITS: [(Limit, i32); 12] = [
    (Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_QUERY_BYTES),
    (Limit::SQLITE_LIMIT_COLUMN, 200),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
    (Limit::SQLITE_LIMIT_VDBE_OP, MAX_INSTRUCTIONS),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 50),
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 200),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// The functions that a question may use: what they give depends on what they are given, and takes
/// time and room in proportion to it.
pub(super) const FUNCTIONS: &[&str] = &[
    // Values.
    "abs",
    "coalesce",
    "ifnull",
    "iif",
    "if",
    "nullif",
    "typeof",
    "round",
    "ceil",
    "ceiling",
    "floor",
    "trunc",
    "sign",
    "mod",
    "pow",
    "power",
    "sqrt",
    "exp",
    "ln",
    "log",
    "log10",
    "log2",
    "likely",
    "unlikely",
    "likelihood",
    // Text.
    "concat",
    "concat_ws",
    "char",
    "format",
    "printf",
    "glob",
    "hex",
    "instr",
    "length",
    "octet_length",
    "like",
    "lower",
    "upper",
    "ltrim",
    "rtrim",
    "trim",
    "quote",
    "replace",
    "substr",
    "substring",
    "unicode",
    "unistr",
    "zeroblob",
    // Times.
    "date",
    "time",
    "datetime",
    "julianday",
    "unixepoch",
    "strftime",
    "timediff",
    // Many rows.
    "avg",
    "count",
    "group_concat",
    "string_agg",
    "max",
    "min",
    "sum",
    "total",
    "median",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    // Windows.
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    // JSON.
    "json",
    "json_array",
    "json_array_length",
    "json_error_position",
    "json_extract",
    "json_object",
    "json_pretty",
    "json_quote",
    "json_type",
    "json_valid",
    "json_group_array",
    "json_group_object",
    "json_each",
    "json_tree",
    "->",
    "->>",
];

/// Tables that are made of a value.
const TABLE_FUNCTIONS: [&str; 2] = ["json_each", "json_tree"];

/// What a question was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// The word of the question that it is about, if one is.
    pub(super) word: Option<String>,
    /// Why.
    pub(super) why: String,
}

/// What was denied first since the guard was put up.
#[derive(Clone, Debug, Default)]
pub(super) struct Denials(Arc<Mutex<Option<Denied>>>);

impl Denials {
    pub(super) fn take(&self) -> Option<Denied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, denied: Denied) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(denied);
    }
}

/// Bounds what a connection takes, for good.
pub(super) fn limit(tables: &Connection) -> Result<()> {
    for (limit, most) in LIMITS {
        tables.set_limit(limit, most)?;
    }
    Ok(())
}

/// Lets nothing but questions through.
pub(super) fn put_up(tables: &mut Connection) -> Result<Denials> {
    let denials = Denials::default();
    let noted = denials.clone();
    tables.authorizer(Some(move |context: AuthContext<'_>| match judge(&context) {
        None => Authorization::Allow,
        Some(denied) => {
            noted.note(denied);
            Authorization::Deny
        }
    }))?;
    Ok(denials)
}

/// Lets everything through again.
pub(super) fn take_down(tables: &mut Connection) -> Result<()> {
    tables.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not on the list is denied")]
fn judge(context: &AuthContext<'_>) -> Option<Denied> {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => None,
        AuthAction::Read { table_name, column_name } => {
            unread(context.database_name, table_name, column_name)
        }
        AuthAction::Function { function_name } => unknown(function_name),
        _ => {
            let why = "only questions are taken: SELECT, VALUES, WITH, EXPLAIN QUERY PLAN";
            Some(Denied { word: None, why: why.into() })
        }
    }
}

fn unread(database: Option<&str>, table: &str, column: &str) -> Option<Denied> {
    let may_read = match database {
        // A view of a question's own connection, by the name that it goes by.
        Some("temp") => NAMES.contains(&table),
        // What such a view shows.
        Some("main") => {
            let shown = table.strip_prefix(PREFIX).is_some_and(|name| NAMES.contains(&name));
            shown || table == now::UPCOMING || TABLE_FUNCTIONS.contains(&table)
        }
        Some(_) => false,
        // What the question itself defines, or a table whose rows are counted and not looked at.
        None => column.is_empty(),
    };
    let why = || format!("`{table}` cannot be asked; there are {}", NAMES.join(", "));
    (!may_read).then(|| Denied { word: Some(table.into()), why: why() })
}

fn unknown(function: &str) -> Option<Denied> {
    if FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(function)) {
        return None;
    }
    let why = format!(
        "the function `{function}` is not taken: what it gives, or how long it takes, depends on more \
         than what it is given"
    );
    Some(Denied { word: Some(function.into()), why })
}
