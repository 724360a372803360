//! What scripts do, asked in the words of the protocol.

use super::*;
use crate::script::protocol::{Folded, Kept, LaneNames, Shape, SourceKind};

/// An event of a lane with this type and data.
fn event<'a>(position: u64, event_type: &'a str, data: &'a str) -> ScriptEvent<'a> {
    ScriptEvent {
        event_type,
        stream: "lane-checkout@production",
        version: position - 1,
        position,
        created: format!("2026-03-01T10:{position:02}:00Z").into(),
        id: "46d2850a-d735-84e7-8109-1f24d61a1790".into(),
        data,
        metadata: r#"{"actor":{"id":"ada"}}"#.into(),
        lane: Some(LaneNames { service: "checkout".into(), environment: "production".into() }),
    }
}

/// What a script answers to these orders.
fn answers(orders: &[Order<'_>]) -> Vec<Reply> {
    let mut input = Vec::new();
    for order in orders {
        input.extend(protocol::encode(order).unwrap());
    }
    let mut output = Vec::new();
    serve(&mut input.as_slice(), &mut output, |_| Ok(())).unwrap();
    let mut replies = Vec::new();
    let mut rest = output.as_slice();
    while let Some(bytes) = protocol::read(&mut rest).unwrap() {
        replies.push(protocol::decode(&bytes).unwrap());
    }
    replies
}

fn load(source: &str) -> Order<'_> {
    Order::Load { name: "lead-time", source }
}

fn loaded(source: &str) -> Shape {
    match answers(&[load(source)]).pop() {
        Some(Reply::Loaded(shape)) => shape,
        other => panic!("{other:?}"),
    }
}

fn fails(source: &str, events: Vec<ScriptEvent<'_>>) -> Failed {
    match answers(&[load(source), Order::Fold(events)]).into_iter().find(is_failure) {
        Some(Reply::Failed(failed)) => failed,
        other => panic!("{other:?}"),
    }
}

fn is_failure(reply: &Reply) -> bool {
    matches!(reply, Reply::Failed(_))
}

/// The states after these events, and what was said.
fn folded(source: &str, events: Vec<ScriptEvent<'_>>) -> Folded {
    match answers(&[load(source), Order::Fold(events)]).pop() {
        Some(Reply::Folded(folded)) => folded,
        other => panic!("{other:?}"),
    }
}

fn state(source: &str, events: Vec<ScriptEvent<'_>>) -> String {
    let [Kept { state, .. }] = &folded(source, events).changes[..] else { panic!() };
    state.clone()
}

/// Names that every object of the language has something under.
const TREACHEROUS: [&str; 5] =
    ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

#[test]
fn names_that_the_language_has_are_data_in_partitions_and_states_also_when_they_are_read_back() {
    let source = "fromAll().partitionBy(e => e.data.name).when({
        A(state, { data: { name, labels } }) {
            for (const label of [name, ...Object.keys(labels)]) {
                state[label] = (Object.hasOwn(state, label) ? state[label] : 0) + 1;
            }
        },
    }).transformBy(state => ({ ...state }))";
    for name in TREACHEROUS {
        let data = format!(r#"{{"name":"{name}","labels":{{"__proto__":"x","team":"y"}}}}"#);
        let (first, second) = (event(1, "A", &data), event(2, "A", &data));
        let state = |count: u32| match name {
            "__proto__" => format!(r#"{{"__proto__":{},"team":{count}}}"#, 2 * count),
            other => format!(r#"{{"{other}":{count},"__proto__":{count},"team":{count}}}"#),
        };
        let kept = |folded: Folded| {
            let [Kept { key, state, result, .. }] = &folded.changes[..] else { panic!("{name}") };
            assert_eq!((key.as_str(), result.as_ref()), (name, Some(state)));
            state.clone()
        };
        let once = kept(folded(source, vec![first]));
        assert_eq!(once, state(1));
        let restored = Order::Restore(vec![(name, &once)]);
        let orders = [load(source), restored, Order::Fold(vec![second])];
        let Some(Reply::Folded(folded)) = answers(&orders).pop() else { panic!("{name}") };
        assert_eq!(kept(folded), state(2));
    }
}

#[test]
fn a_script_says_which_events_it_asks_for() {
    let shape = loaded("fromCategory('lane').when({ A(s, e) {}, B(s, e) {} })");
    assert_eq!(shape.source.kind, SourceKind::Category);
    assert_eq!(shape.source.names, ["lane"]);
    assert_eq!(shape.types, Some(vec!["A".into(), "B".into()]));
    assert!(!shape.partitioned && !shape.results);
    let shape = loaded(
        "fromStreams('a', ['b']).foreachStream().when({ A() {}, $any() {} }).filterBy(s => s.n)",
    );
    assert_eq!(shape.source.names, ["a", "b"]);
    assert_eq!((shape.types, shape.partitioned, shape.results), (None, true, true));
}

#[test]
fn the_handler_of_a_type_goes_before_that_of_any() {
    let source =
        "fromAll().when({ $init: () => ({ a: 0, any: 0 }), A(s) { s.a++ }, $any(s) { s.any++ } })";
    let events = vec![event(1, "A", "{}"), event(2, "B", "{}"), event(3, "C", "{}")];
    assert_eq!(state(source, events), r#"{"a":1,"any":2}"#);
}

#[test]
fn an_event_is_what_users_of_eventstoredb_know_and_its_lane() {
    let source = "fromAll().when({ $any: (s, e) => ({ type: e.eventType, stream: e.streamId,
        n: e.sequenceNumber, at: e.position, created: e.created, who: e.metadata.actor.id,
        service: e.service, env: e.environment, number: e.number, url: e.data.url, body: e.body.url,
        raw: e.bodyRaw, json: e.isJson, id: e.eventId }) })";
    let state = state(source, vec![event(7, "A", r#"{"number":3,"url":"x"}"#)]);
    insta::assert_snapshot!(state);
}

#[test]
fn partitions_have_states_of_their_own_and_results() {
    let source =
        "fromAll().partitionBy(e => e.data.team).when({ $any(s, e) { s.n = (s.n ?? 0) + 1 } })
        .filterBy(s => s.n > 1).transformBy(s => ({ twice: s.n * 2 }))";
    let team = |at, data| event(at, "A", data);
    let events = vec![
        team(1, r#"{"team":"red"}"#),
        team(2, r#"{"team":"blue"}"#),
        team(3, "{}"),
        team(4, r#"{"team":"red"}"#),
    ];
    let kept = |key: &str, state: &str, result: &str, position| Kept {
        key: key.into(),
        state: state.into(),
        result: Some(result.into()),
        position,
    };
    let expected =
        [kept("red", r#"{"n":2}"#, r#"{"twice":4}"#, 4), kept("blue", r#"{"n":1}"#, "null", 2)];
    assert_eq!(folded(source, events).changes, expected);
}

#[test]
fn a_state_goes_on_from_where_it_was_left() {
    let source = "fromAll().when({ $init: () => ({ n: 0 }), $any(s) { s.n++ } })";
    let orders = [
        load(source),
        Order::Restore(vec![("", r#"{"n":41}"#)]),
        Order::Fold(vec![event(42, "A", "{}")]),
    ];
    let Some(Reply::Folded(folded)) = answers(&orders).pop() else { panic!() };
    assert_eq!(folded.changes[0].state, r#"{"n":42}"#);
}

#[test]
fn what_json_would_drop_is_dropped_at_once_and_what_it_would_change_is_refused() {
    let of = |value: &str| format!("fromAll().when({{ $any: () => ({value}) }})");
    let kept =
        state(&of("{ a: undefined, b: [undefined, -0], c: null }"), vec![event(1, "A", "{}")]);
    assert_eq!(kept, r#"{"b":[null,0],"c":null}"#);
    let deep = "[0].concat([]).reduce(s => s, (() => { let s = {}; for (let i = 0; i < 70; i++) s = { s }; return s })())";
    for (value, why) in [
        ("{ seen: new Map() }", "state.seen is a Map"),
        ("{ when: new Date(0) }", "state.when is a Date"),
        ("{ n: [1, NaN] }", "state.n[1] is NaN"),
        ("{ f() {} }", "state.f is a function"),
        ("{ n: 1n }", "state.n is a bigint"),
        (deep, "more than 64 levels deep"),
        ("{ long: 'x'.repeat(1048577) }", "at most 1048576 are kept"),
    ] {
        let failed = fails(&of(value), vec![event(1, "A", "{}")]);
        assert!(failed.message.contains(why), "{}", failed.message);
    }
}

#[test]
fn a_script_that_asks_for_nothing_is_told_what_would() {
    for (source, why) in [
        ("", "begin with fromAll()"),
        ("fromAll()", "add .when({"),
        ("fromAll().when({ $deleted() {} })", "$init and $any are the special ones"),
        ("fromAll().when({ A: 1 })", "the handler `A` takes a function, not number"),
        ("fromAll(); fromAll()", "this is its second one"),
        ("fromStream(1).when({})", "fromStream takes a text, not number"),
        ("require('fs')", "require is not defined"),
        ("fromAll().when({ A(s, e { } })", "SyntaxError"),
    ] {
        let failed = fails(source, Vec::new());
        assert!(failed.message.contains(why), "{source}: {}", failed.message);
        assert_eq!(failed.event, None);
    }
}

#[test]
fn a_failure_tells_the_event_and_the_line() {
    let source = "fromAll().when({\n  $init: () => ({}),\n  $any(s, e) {\n    e.data.release.version.trim()\n  }\n})";
    let events = vec![event(1, "A", r#"{"release":{"version":"1"}}"#), event(2, "A", "{}")];
    let failed = fails(source, events);
    assert_eq!((failed.event, failed.line), (Some(1), Some(4)), "{failed:?}");
    assert!(failed.message.starts_with("TypeError: "), "{failed:?}");
    assert!(failed.stack.unwrap().contains("lead-time.js:4"));
    let failed = fails("let a = 1;\nlet b = ;", Vec::new());
    assert_eq!(failed.line, Some(2), "{failed:?}");
}

#[test]
fn there_is_no_clock_no_chance_and_nothing_of_the_machine() {
    for source in ["Date.now()", "new Date()", "Date()", "new Date().constructor.now()"] {
        let failed = fails(source, Vec::new());
        assert!(failed.message.contains("there is no clock here"), "{source}: {failed:?}");
    }
    let gone = "Math.random process require fetch setTimeout performance WeakRef Proxy std os";
    for name in gone.split(' ') {
        let source = format!("if (typeof {name} !== 'undefined') throw 'there is {name}'");
        let failed = fails(&source, Vec::new());
        assert!(failed.message.contains("begin with fromAll()"), "{failed:?}");
    }
    let parsed = "fromAll().when({ $any: (s, e) => ({ day: new Date(e.created).getUTCDay() }) })";
    assert_eq!(state(parsed, vec![event(1, "A", "{}")]), r#"{"day":0}"#);
}

#[test]
fn nothing_that_the_language_comes_with_can_be_changed() {
    for source in [
        "Array.prototype.push = () => 7",
        "Object.prototype.evil = 7",
        "Object.prototype.toString = () => 'evil'",
        "JSON.stringify = () => '{}'",
        "Map.prototype.get = () => 7",
        "(function* () {}).__proto__; Object.getPrototypeOf(function* () {}).evil = 7",
        "Object.defineProperty(Object.prototype, 'evil', { value: 7 })",
        "fromAll().when({ $any() { globalThis.kept = 7 } })",
    ] {
        let failed = fails(source, vec![event(1, "A", "{}")]);
        assert!(failed.message.starts_with("TypeError: "), "{source}: {failed:?}");
    }
}

#[test]
fn half_of_a_surrogate_pair_is_named_instead_of_kept() {
    for (source, why) in [
        (r#"fromAll().when({ A: () => ({ a: ["x\uD800y"] }) })"#, r"state.a[0] has half of"),
        (
            r#"fromAll().when({ A: () => ({ a: { "\uDC00": 1 } }) })"#,
            r"a name in state.a has half of",
        ),
        (
            r#"fromAll().partitionBy(() => "\uD83D").when({ A() {} })"#,
            r"a partition's name has half of",
        ),
        (
            r#"fromAll().partitionBy(() => "p1").when({ A: () => ({ a: "\uD83D" }) })"#,
            r"state.a of the partition `p1` has half of a surrogate pair, \ud83d,",
        ),
        (
            r#"fromAll().when({ A() {} }).transformBy(() => ({ r: "\uDC00\uD800" }))"#,
            r"result.r has half of a surrogate pair, \udc00,",
        ),
    ] {
        let failed = fails(source, vec![event(1, "A", "{}")]);
        assert!(failed.message.contains(why), "{source}: {failed:?}");
    }
    let whole = r#"fromAll().when({ A: () => ({ a: "\uD83D\uDE80" }) })"#;
    assert_eq!(state(whole, vec![event(1, "A", "{}")]), r#"{"a":"🚀"}"#);
    let logs = r#"fromAll().when({ A() { console.log("a\uD800b") } })"#;
    assert_eq!(folded(logs, vec![event(1, "A", "{}")]).lines, ["a\u{fffd}b"]);
}

#[test]
fn a_stack_tells_of_the_script_alone() {
    let source = "const inner = () => null.x;
        const caught = (call) => { try { call() } catch (error) { return error.stack } };
        fromAll().when({ A: () => ({
            own: caught(inner),
            host: caught(() => fromStream(1)),
            sorted: caught(() => [2, 1].sort(() => inner())),
            captured: (() => { const to = {}; Error.captureStackTrace(to); return to.stack })(),
        }) })";
    let state = state(source, vec![event(1, "A", "{}")]);
    let stacks: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&state).unwrap();
    for (name, stack) in &stacks {
        let frames: Vec<_> = stack.as_str().unwrap().lines().collect();
        assert!(frames.len() >= 2, "{name}: {frames:?}");
        assert!(frames.iter().all(|frame| frame.contains("(lead-time.js:")), "{name}: {frames:?}");
    }
}

#[test]
fn what_says_how_stacks_are_made_is_no_place_for_a_state() {
    let source = "fromAll().when({ $any(s, e) {
        const before = [typeof Error.stackTraceLimit, typeof Error.prepareStackTrace];
        try { Error.stackTraceLimit = 7 } catch {}
        try { Error.prepareStackTrace = (error, frames) => frames } catch {}
        s.kinds = before.concat(typeof Error.stackTraceLimit, typeof new Error().stack);
    } })";
    let events = vec![event(1, "A", "{}"), event(2, "A", "{}")];
    assert_eq!(
        state(source, events),
        r#"{"kinds":["undefined","undefined","undefined","string"]}"#
    );
}

#[test]
fn names_that_the_language_uses_itself_are_names_like_all_others_in_a_state() {
    let source = "fromAll().when({ $any(s, e) { s[e.data.k] = 1 } })";
    let events = ["__proto__", "constructor", "toString", "hasOwnProperty"]
        .map(|name| format!(r#"{{"k":"{name}"}}"#));
    let events = events.iter().zip(1..).map(|(data, at)| event(at, "A", data)).collect();
    let expected = r#"{"__proto__":1,"constructor":1,"toString":1,"hasOwnProperty":1}"#;
    assert_eq!(state(source, events), expected);
}

#[test]
fn what_runs_for_ever_or_takes_everything_is_stopped() {
    for (body, why) in [
        ("for (;;) {}", "it ran for more than 1s"),
        ("try { for (;;) {} } catch { } ", "it ran for more than 1s"),
        ("const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)", ""),
        ("(function again() { again() })()", "stack"),
        ("/^(a+)+$/.test('a'.repeat(40) + 'b')", "it ran for more than 1s"),
        ("let s = 'x'; for (;;) s += s", ""),
        ("new Array(1e9).fill(0)", ""),
    ] {
        let source = format!("fromAll().when({{ $any() {{ {body} }} }})");
        let failed = fails(&source, vec![event(1, "A", "{}")]);
        assert_eq!(failed.event, Some(0), "{body}: {failed:?}");
        assert!(failed.message.contains(why), "{body}: {failed:?}");
    }
}

#[test]
fn what_it_logs_is_kept_up_to_a_limit() {
    let source = "fromAll().when({ $any(s, e) { for (let i = 0; i < 600; i++) console.log('n', i, { e: 1 }) } })";
    let said = folded(source, vec![event(1, "A", "{}"), event(2, "A", "{}")]).lines;
    assert_eq!((said.len(), said[1].as_str()), (1_000, r#"n 1 {"e":1}"#));
}
