//! Every read of a server, from its contract and from the list of its pages.

use std::{fs, path::Path, thread};

use serde_json::{Value, json};

use crate::support::{Answer, Client};

/// So many reads are under way at once.
const AT_ONCE: usize = 8;

/// What a read needs to be answered, by its path.
const QUERIES: [(&str, &str); 4] = [
    ("/v1/environments/{name}/diff", "?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"),
    ("/lanes/{service}/{environment}/{number}/changes", "?against=1"),
    ("/lanes/{service}/{environment}/roll-forward", "?release={version}"),
    ("/projections/-", "?name={projection}"),
];

/// Reads that ask no read model, and why.
const OTHERS: [(&str, &str); 11] = [
    ("/livez", "says whether the server runs"),
    ("/readyz", "says how far the read models are"),
    ("/metrics", "says how far the read models are"),
    ("/problems/{slug}", "explains"),
    ("/assets/{edition}/{name}", "styles and scripts"),
    ("/compare", "leads to another page"),
    ("/v1/events", "asks the log"),
    ("/v1/events/live", "asks the log, and does not end"),
    ("/v1/projections/{name}/live", "says how far a projection is, and does not end"),
    ("/v1/projections/{name}", "says how far a projection is"),
    ("/v1/projections/{name}/rows", "is asked of another projection below"),
];

/// What one asks about.
pub(super) struct Things {
    pub(super) service: String,
    pub(super) environment: String,
    number: u64,
    pub(super) version: String,
    pub(super) projection: String,
}

impl Things {
    pub(super) fn new(
        service: &str,
        environment: &str,
        number: u64,
        version: &str,
        projection: &str,
    ) -> Self {
        // The projections that Shiplog comes with have these names.
        let projection =
            if projection == "counts" { projection.into() } else { format!("of-{projection}") };
        let (service, environment) = (service.into(), environment.into());
        Self { service, environment, number, version: version.into(), projection }
    }

    fn fill(&self, path: &str) -> String {
        let query = QUERIES.iter().find(|(of, _)| *of == path).map_or("", |(_, query)| query);
        let name =
            if path.contains("/environments") { &self.environment } else { &self.projection };
        let filled = format!("{path}{query}")
            .replace("{service}", &self.service)
            .replace("{environment}", &self.environment)
            .replace("{number}", &self.number.to_string())
            .replace("{version}", &self.version)
            .replace("{projection}", &self.projection)
            .replace("{name}", name);
        assert!(!filled.contains('{'), "say what `{path}` is asked with");
        filled
    }
}

/// A read, and the question if it has a body.
#[derive(Debug)]
pub(super) struct Read {
    path: String,
    query: Option<&'static str>,
}

impl Read {
    fn send(&self, client: &Client) -> Answer {
        let html = [("Accept", "text/html")];
        match self.query {
            None if self.path.starts_with("/v1/") => client.get(&self.path),
            None => client.send("GET", &self.path, &html, b""),
            Some(query) => {
                let kind = [("Content-Type", "application/json")];
                let body = json!({"query": query}).to_string();
                client.send("POST", &self.path, &kind, body.as_bytes())
            }
        }
    }

    /// What an answer says, without what is of the moment.
    pub(super) fn told(&self, answer: &Answer) -> Value {
        let text = answer.text();
        let names = |text: &str, begin: &str| {
            let names = text.split(begin).skip(1).filter_map(|rest| rest.split('"').next());
            names.collect::<Value>()
        };
        match self.path.as_str() {
            "/v1/projections" => return names(&text, "\"name\":\""),
            "/projections" => return names(&text, "href=\"/projections/"),
            _ => {}
        }
        if !answer.header("content-type").contains("json") {
            let of_the_moment = ["<p>Made ", "name=\"key\"", "data-behind"];
            let keeps = |line: &&str| !of_the_moment.iter().any(|words| line.contains(words));
            return text.lines().filter(keeps).collect();
        }
        let mut body = answer.json();
        for name in ["at", "known_at", "request_id"] {
            body.as_object_mut().unwrap().remove(name);
        }
        body
    }
}

/// Each read of the server, of each of these things.
pub(super) fn every_read(client: &Client, things: &[Things; 2]) -> Vec<Read> {
    let paths: Vec<_> = contract(client).into_iter().chain(pages()).collect();
    assert!(paths.len() > 35, "{paths:?}");
    for (path, why) in OTHERS {
        assert!(paths.iter().any(|one| one == path), "`{path}`, which {why}, is not there");
    }
    let is_of_models = |path: &&String| OTHERS.iter().all(|(other, _)| other != *path);
    let filled = paths.iter().filter(is_of_models);
    let mut filled: Vec<_> =
        filled.flat_map(|path| things.iter().map(|of| of.fill(path))).collect();
    filled.sort();
    filled.dedup();
    let mut reads: Vec<_> = filled.into_iter().map(|path| Read { path, query: None }).collect();
    reads.push(Read { path: "/v1/projections/listed/rows".into(), query: None });
    for query in ["SELECT count(*) FROM events", "SELECT 1 FROM lanes WHERE service LIKE 'new-sql'"]
    {
        reads.push(Read { path: "/v1/sql".into(), query: Some(query) });
    }
    for search in ["service=new-history", "environment=area-history", "q=4-history"] {
        let path = format!("/v1/deployments?{search}");
        reads.push(Read { path, query: None });
        reads.push(Read { path: format!("/history?{search}"), query: None });
    }
    reads
}

/// What is read by the contract.
fn contract(client: &Client) -> Vec<String> {
    let contract = client.get("/openapi.json").expect(200).json();
    let paths = contract["paths"].as_object().unwrap().iter();
    paths.filter(|(_, item)| item["get"].is_object()).map(|(path, _)| path.clone()).collect()
}

/// The pages, which no contract lists.
fn pages() -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/src/ui.rs");
    let source = fs::read_to_string(source).unwrap();
    let routes = source.split(".route(").skip(1).filter(|route| route.contains("get("));
    routes.map(|route| route.split('"').nth(1).unwrap().to_owned()).collect()
}

/// Reads all of them.
pub(super) fn all(client: &Client, reads: &[Read]) -> Vec<Answer> {
    let share = reads.len().div_ceil(AT_ONCE);
    thread::scope(|scope| {
        let shares = reads.chunks(share).map(|reads| {
            let client = client.anew();
            scope.spawn(move || reads.iter().map(|read| read.send(&client)).collect::<Vec<_>>())
        });
        let shares: Vec<_> = shares.collect();
        shares.into_iter().flat_map(|share| share.join().unwrap()).collect()
    })
}
