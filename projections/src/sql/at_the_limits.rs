//! Every function that a question may use, on the largest values that there are: nothing goes on for long
//! after its time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use shiplog_store::{clock::Clock, log::Log, sqlite::SqliteLog};

use super::{AskError, Limits, Parameters, Question, Reader, guard::FUNCTIONS};
use crate::models::ReadModels;

/// The clock that stands.
struct Stands;

impl Clock for Stands {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// How long a question may take here.
const TIME: Duration = Duration::from_millis(20);

/// After how much more it hangs, rather than being slow: on a busy machine, and unoptimised.
const HANGS: Duration = Duration::from_secs(10);

/// Large values of different kinds.
const LARGE: [&str; 4] = [
    "printf('%.*c', 1200000, 'a')",
    "replace(printf('%.*c', 600000, 'a'), 'a', '[')",
    "zeroblob(1200000)",
    "replace(printf('%.*c', 300000, 'a'), 'a', '%_?*')",
];

/// What else a function is given, so that it is one that takes this many arguments.
const MORE: [&str; 3] = ["", ", x", ", x, 'b'"];

/// A call of a function for each column that there can be, of each of many rows.
fn question(function: &str, large: &str, more: &str) -> String {
    let call = match function {
        "->" | "->>" => "x -> '$.a.b'".into(),
        "like" => format!("x LIKE '%{}b%'", "a".repeat(190)),
        "glob" => format!("x GLOB '*{}b*'", "a".repeat(190)),
        // They are taken of many rows.
        "json_each" | "json_tree" => "(SELECT count(*) FROM json_tree(x))".into(),
        "percentile" | "percentile_cont" | "percentile_disc" => {
            format!("{function}(length(x), 50)")
        }
        _ if is_of_windows(function) => format!("{function}(x{more}) OVER (ORDER BY i)"),
        _ => format!("{function}(x{more})"),
    };
    let calls = vec![call; 190].join(", ");
    format!(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000), \
         v(i, x) AS (SELECT i, {large} FROM n) SELECT {calls} FROM v"
    )
}

fn is_of_windows(function: &str) -> bool {
    let last = FUNCTIONS.iter().position(|one| *one == "nth_value");
    let place = FUNCTIONS.iter().position(|one| *one == function);
    FUNCTIONS.iter().position(|one| *one == "row_number") <= place && place <= last
}

#[tokio::test]
async fn no_function_goes_on_after_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let log: Arc<dyn Log> = Arc::new(SqliteLog::in_memory(Arc::new(Stands)).unwrap());
    let models = ReadModels::start(&log, directory.path()).await.unwrap();
    models.sql.model().await.unwrap();
    models.stop().await;
    let mut reader = Reader::open(directory.path()).unwrap();
    let limits = Limits { time: TIME, ..Limits::MOST };
    for function in FUNCTIONS {
        for (large, more) in LARGE.iter().flat_map(|large| MORE.map(|more| (large, more))) {
            let source = question(function, large, more);
            let question = Question {
                source,
                parameters: Parameters::default(),
                now: Some(Timestamp::UNIX_EPOCH),
            };
            let began = Instant::now();
            match reader.ask(&question, limits) {
                Ok(_) | Err(AskError::Query { .. } | AskError::Stopped(_)) => {}
                Err(error) => panic!("{function}: {error:?}"),
            }
            let took = began.elapsed();
            assert!(took < HANGS, "{function} of {large}{more} took {took:?}");
        }
    }
}
