use super::*;

const KNOWN: &[&str] = &["service", "limit", "cursor", "order", "since"];

fn query(raw: &str) -> Query {
    Query::parse(Some(raw), KNOWN).unwrap()
}

#[test]
fn an_unknown_parameter_is_told_the_nearest_one() {
    let problem = Query::parse(Some("servcie=x"), KNOWN).unwrap_err();
    assert_eq!(problem.detail, "`?servcie`: it is not known here; did you mean `service`?");
}

#[test]
fn values_are_decoded_and_odd_encodings_refused() {
    assert_eq!(query("service=a%2Fb+c").text("service").unwrap().unwrap(), "a/b c");
    for raw in ["service=%", "service=%zz", "service=%4", "service=%ff"] {
        assert_eq!(Query::parse(Some(raw), KNOWN).unwrap_err().errors[0].pointer, "?service");
    }
}

#[test]
fn a_parameter_is_given_once() {
    assert!(query("service=a&service=b").text("service").is_err());
}

#[test]
fn a_parameter_is_given_64_times_at_most() {
    let times = |count| vec!["service=a"; count].join("&");
    assert_eq!(query(&times(64)).all("service").len(), 64);
    let problem = Query::parse(Some(&times(65)), KNOWN).unwrap_err();
    assert_eq!(problem.detail, "`?service`: it is given more than 64 times");
}

#[test]
fn limits_are_whole_numbers_in_range() {
    assert_eq!(query("").limit().unwrap(), 50);
    assert_eq!(query("limit=1000").limit().unwrap(), 1000);
    for raw in ["limit=0", "limit=1001", "limit=-1", "limit=+1", "limit=", "limit=1.0"] {
        assert!(query(raw).limit().is_err(), "{raw}");
    }
}

#[test]
fn a_bad_cursor_has_a_code_of_its_own() {
    let problem = query("cursor=nonsense").page("deployments").unwrap_err();
    assert_eq!((problem.code, problem.errors[0].pointer.as_str()), ("bad-cursor", "?cursor"));
}

#[test]
fn a_date_is_its_first_instant() {
    let since = query("since=2026-01-31").instant("since").unwrap().unwrap();
    assert_eq!(since.to_string(), "2026-01-31T00:00:00Z");
}

#[test]
fn the_next_page_asks_the_same_question() {
    let query = query("service=a%2Fb&cursor=old&limit=2");
    assert_eq!(
        query.next("/v1/deployments", ("cursor", "new")),
        "/v1/deployments?service=a%2Fb&limit=2&cursor=new"
    );
}
