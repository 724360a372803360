use proptest::prelude::*;
use shiplog_domain::lane::{Classification, Status};

use super::*;
use crate::history::filter::Comparison;

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn terms(text: &str) -> Vec<Term> {
    read(text, now()).unwrap()
}

/// What a single term asks for.
fn one(text: &str) -> Condition {
    let [term] = terms(text).try_into().unwrap();
    assert_eq!(term.text, text.trim());
    term.condition
}

fn said(text: &str) -> Fact {
    Fact::Said { text: text.into(), begins: false }
}

fn facts(text: &str) -> Vec<Fact> {
    let Condition { any, negated } = one(text);
    assert!(!negated, "{text}");
    any
}

fn label(name: &str, value: Option<&str>) -> Fact {
    Fact::Label(name.into(), value.map(Into::into))
}

#[test]
fn words_phrases_and_beginnings_are_what_was_said() {
    let begins = |text: &str| Fact::Said { text: text.into(), begins: true };
    for (typed, read) in [
        ("timeout", vec![said("timeout")]),
        ("db timeout", vec![said("db"), said("timeout")]),
        ("\"read timeout\" 1.4.2", vec![said("read timeout"), said("1.4.2")]),
        ("abc123* \"read time*\"", vec![begins("abc123"), begins("read time")]),
        ("AND OR NOT", vec![said("AND"), said("OR"), said("NOT")]),
        ("unclosed \"quote here", vec![said("unclosed"), said("quote here")]),
        ("\"say \"\"hi\"\" now\"", vec![said("say \"hi\" now")]),
        ("* - \" ()", vec![]),
        ("  ", vec![]),
    ] {
        let conditions: Vec<_> = terms(typed).into_iter().map(|term| term.condition).collect();
        let expected: Vec<Condition> = read.into_iter().map(Into::into).collect();
        assert_eq!(conditions, expected, "{typed}");
    }
}

#[test]
fn a_search_has_64_words_and_values_at_most() {
    assert_eq!(terms(&"a ".repeat(64)).len(), 64);
    let more = |text: &str| read(text, now()).unwrap_err();
    let error = more(&"a ".repeat(65));
    assert_eq!((error.place, error.detail.contains("more than 64 words and values")), (129, true));
    let services: Vec<_> = (0..65).map(|one| one.to_string()).collect();
    assert_eq!(more(&format!("x service:{}", services.join(","))).place, 3);
}

#[test]
fn what_people_paste_is_text() {
    for pasted in [
        "https://ci.example/run/7",
        "12:30",
        "sha256:0a1b",
        "registry.example/shop:1.2",
        "std::panic",
        "error:",
        "Caused:by",
        "git-sha:77aa",
        "a=b:c",
        "(service:x)",
    ] {
        assert_eq!(facts(pasted), [said(pasted)]);
    }
    assert_eq!(facts("\"localhost:8080\""), [said("localhost:8080")]);
}

#[test]
fn every_key_is_read() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (failed, cancelled) = (Fact::Status(Status::Failed), Fact::Status(Status::Cancelled));
    for (typed, expected) in [
        ("service:checkout", vec![Fact::Service("checkout".parse().unwrap())]),
        ("Service:\"a b\"", vec![Fact::Service("a b".parse().unwrap())]),
        ("env:production", vec![Fact::Environment("production".parse().unwrap())]),
        ("environment:qa", vec![Fact::Environment("qa".parse().unwrap())]),
        ("version:1.4.2", vec![Fact::Version("1.4.2".parse().unwrap())]),
        ("status:failed,cancelled,failed", vec![failed.clone(), cancelled]),
        ("actor:\"Jo Doe\"", vec![Fact::Actor("Jo Doe".into())]),
        ("actor:\"a,b\",c", vec![Fact::Actor("a,b".into()), Fact::Actor("c".into())]),
        ("commit:3f2c", vec![Fact::Commit("3f2c".into())]),
        ("artifact:sha256:0a1b", vec![Fact::Artifact("sha256:0a1b".into())]),
        ("label:team", vec![label("team", None)]),
        ("label:team=pay,web", vec![label("team", Some("pay")), label("team", Some("web"))]),
        ("label:team,tier=1", vec![label("team", None), label("tier", Some("1"))]),
        ("label:team:\"web shop\"", vec![label("team", Some("web shop"))]),
        ("label:\"team\"=\"x=y\"", vec![label("team", Some("x=y"))]),
        ("label:\"a:b\"=c", vec![label("a:b", Some("c"))]),
        (
            "label:\"k8s=x, y\":c,d",
            vec![label("k8s=x, y", Some("c")), label("k8s=x, y", Some("d"))],
        ),
        ("label:\"a:b\"", vec![label("a:b", None), label("a", Some("b"))]),
        ("label:\"=b\"", vec![label("=b", None)]),
        (
            "label:\"team=web shop\",x",
            vec![
                label("team=web shop", None),
                label("team", Some("web shop")),
                label("team", Some("x")),
            ],
        ),
        ("intent:roll-forward", vec![Fact::Intent("roll_forward")]),
        ("is:rollback", vec![Fact::Declared, Fact::Inferred]),
        ("is:new", vec![Fact::Classification(Classification::New)]),
        ("is:failed,void", vec![failed, Fact::Void]),
        ("since:2h", vec![Fact::Since(at("2026-11-28T10:00:00Z"))]),
        ("since:\"1h30m ago\"", vec![Fact::Since(at("2026-11-28T10:30:00Z"))]),
        ("since:2w", vec![Fact::Since(at("2026-11-14T12:00:00Z"))]),
        ("until:2026-11-01", vec![Fact::Until(at("2026-11-01T00:00:00Z"))]),
        ("until:2026-11-01T12:00Z", vec![Fact::Until(at("2026-11-01T12:00:00Z"))]),
        ("-until:2026-11-01", vec![Fact::Since(at("2026-11-01T00:00:00Z"))]),
        ("duration:>5m", vec![Fact::Took(Comparison::Above, 300_000)]),
        ("duration:<=1m30s", vec![Fact::Took(Comparison::AtMost, 90_000)]),
        ("duration:>=500ms", vec![Fact::Took(Comparison::AtLeast, 500)]),
        ("duration:<1d", vec![Fact::Took(Comparison::Below, 86_400_000)]),
    ] {
        assert_eq!(facts(typed), expected, "{typed}");
    }
    for known in &KEYS {
        one(known.example);
    }
}

#[test]
fn a_minus_has_it_not_hold() {
    let not = |any: Vec<Fact>| Condition { any, negated: true };
    assert_eq!(one("-hot"), not(vec![said("hot")]));
    assert_eq!(one("-\"hot fix\""), not(vec![said("hot fix")]));
    assert_eq!(one("-is:void"), not(vec![Fact::Void]));
    assert_eq!(one("-label:team=x"), not(vec![label("team", Some("x"))]));
}

#[test]
fn what_cannot_be_read_is_told_where_and_what_was_meant() {
    for (typed, place, parts) in [
        (
            "timeout srevice:x",
            9,
            &["`srevice` is no key", "did you mean `service`?", "quote it: `\"srevice:x\"`"][..],
        ),
        ("-foo:bar", 2, &["there are service, env,"]),
        ("ü environmnt:x", 3, &["`environment`"]),
        ("localhost:8080", 1, &["quote it: `\"localhost:8080\"`"]),
        ("service:", 9, &["`service:` needs a value, as in `service:checkout`"]),
        ("x env:a,,b", 9, &["`env:` needs a value"]),
        ("status:succeeded,foo", 18, &["`foo` is no status", "requested, rejected"]),
        ("status:faild", 8, &["did you mean `failed`?"]),
        ("is:rolback", 4, &["did you mean `rollback`?"]),
        ("intent:x", 8, &["deploy, rollback, roll_forward"]),
        ("commit:3f", 8, &["4 to 500 characters"]),
        ("label:=x", 7, &["`name=value`"]),
        ("since:yesterday", 7, &["`yesterday` is no time", "`2h` (ago)"]),
        ("since:2026-02-30", 7, &["`2026-02-30`: there is no day 30 in 2026-02"]),
        ("until:2026-01-31T24:00Z", 7, &["00:00 of the next one"]),
        ("since:99999999999999999w", 7, &["is no time"]),
        ("duration:5m", 10, &["`>5m`"]),
        ("duration:>5", 10, &["no duration"]),
    ] {
        let error = read(typed, now()).unwrap_err();
        assert_eq!(error.place, place, "{typed}: {error}");
        for part in parts {
            assert!(error.detail.contains(part), "{typed}: {error}");
        }
    }
}

/// Texts that are made of what means something.
fn typed() -> impl Strategy<Value = String> {
    let parts = vec![
        " ",
        " ",
        "-",
        "\"",
        "\"\"",
        ",",
        ":",
        "=",
        "*",
        "/",
        ">",
        "5m",
        "2h",
        "ü",
        "word",
        "service:",
        "env:",
        "Is:",
        "status:",
        "failed",
        "label:",
        "since:",
        "duration:",
        "foo:",
        "rollback",
        "actor:\"Jo Doe\"",
        "\u{a0}",
        "\t",
    ];
    let parts = prop::collection::vec(prop::sample::select(parts), 0..12);
    prop_oneof![4 => parts.prop_map(|parts| parts.concat()), 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_search_or_told_where_it_is_none(text in typed()) {
        match read(&text, now()) {
            Ok(terms) => {
                let printed: Vec<_> = terms.iter().map(|term| term.text.as_str()).collect();
                prop_assert_eq!(read(&printed.join(" "), now()), Ok(terms));
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.place)),
        }
    }

    #[test]
    fn a_place_counts_the_characters_before_it(before in "[a-zü ]{0,20}") {
        let error = read(&format!("{before} srevice:x"), now()).unwrap_err();
        prop_assert_eq!(error.place, before.chars().count() + 2);
    }
}
