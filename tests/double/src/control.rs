//! The double as a process is told what to do by lines, and answers each with one.

use std::{fmt::Display, str::FromStr, time::Duration};

use tonic::Status;

use crate::{double::Double, faults::Ending};

/// Does what one line says. The answer is `ok`, or `ok` and a value.
///
/// | line | does |
/// |-|-|
/// | `uri` | tells the connection string |
/// | `stop N`, `restart N` | a node, from 0 |
/// | `lead N`, `leader` | makes a node the leader; tells which one is |
/// | `drop-answers N`, `withhold-answers N`, `time-out N`, `refuse N` | what becomes of the next appends |
/// | `delay MS` | of every answer |
/// | `stall on`, `stall off` | subscriptions |
/// | `close ok`, `close error` | subscriptions |
/// | `foreign N`, `foreign-every N` | somebody else writes |
/// | `clear` | no more faults |
/// | `records`, `events STREAM`, `connections`, `calls`, `conflicts` | tells how many there are |
///
/// # Errors
///
/// What is wrong with the line, or why it cannot be done.
pub fn obey(double: &Double, line: &str) -> Result<String, String> {
    let (word, argument) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let faults = double.faults();
    match word {
        "uri" => return told(double.uri()),
        "leader" => return double.leader().map_or_else(|| told("none"), told),
        "records" => return told(double.records()),
        "events" => return told(double.events(argument)),
        "connections" => return told(double.connections()),
        "conflicts" => return told(double.conflicts()),
        "calls" => return told(double.calls()),
        "stop" => double.stop(number(argument)?),
        "restart" => double.restart(number(argument)?).map_err(|error| error.to_string())?,
        "lead" if double.lead(number(argument)?) => {}
        "lead" => return Err(format!("node {argument} is not alive")),
        "drop-answers" => faults.drop_answers(number(argument)?),
        "withhold-answers" => faults.withhold_answers(number(argument)?),
        "time-out" => faults.time_out(number(argument)?),
        "refuse" => faults.refuse(number(argument)?),
        "delay" => faults.delay(Duration::from_millis(number(argument)?)),
        "stall" => faults.stall(one_of(argument, [("on", true), ("off", false)])?),
        "close" => {
            let error = Ending::Error(Status::unavailable("the subscription was closed on cue"));
            faults.close_subscriptions(one_of(argument, [("ok", Ending::Ok), ("error", error)])?);
        }
        "foreign" => double.write_foreign(number(argument)?),
        "foreign-every" => faults.foreign_every(number(argument)?),
        "clear" => faults.clear(),
        _ => return Err(format!("`{word}` is not known")),
    }
    Ok("ok".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "it is an answer among answers that can fail")]
fn told(value: impl Display) -> Result<String, String> {
    Ok(format!("ok {value}"))
}

fn number<N: FromStr>(argument: &str) -> Result<N, String> {
    argument.parse().map_err(|_| format!("`{argument}` is not a number"))
}

fn one_of<T>(argument: &str, choices: [(&str, T); 2]) -> Result<T, String> {
    let names = choices.each_ref().map(|(name, _)| *name).join(" or ");
    let chosen = choices.into_iter().find(|(name, _)| *name == argument);
    chosen.map(|(_, value)| value).ok_or_else(|| format!("`{argument}` is not {names}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[test]
    fn every_line_is_answered() {
        let double = Double::start(Options { nodes: 3, ..Options::default() }).unwrap();
        let said = |line: &str| obey(&double, line);
        assert_eq!(said("leader").unwrap(), "ok 0");
        assert_eq!(said("stop 0\n").unwrap(), "ok");
        assert_eq!(said("leader").unwrap(), "ok 1");
        assert_eq!(said("lead 0").unwrap_err(), "node 0 is not alive");
        assert_eq!(said("restart 0").unwrap(), "ok");
        assert_eq!(said("lead 0").unwrap(), "ok");
        assert_eq!(said("stop 1").and(said("stop 2")).and(said("leader")).unwrap(), "ok none");
        assert_eq!(said("foreign 8").unwrap(), "ok");
        assert_eq!(said("events parcel-0").unwrap(), "ok 1");
        assert_eq!(said("calls").and(said("connections")).unwrap(), "ok 0");
        assert_eq!(said("stall maybe").unwrap_err(), "`maybe` is not on or off");
        assert_eq!(said("delay long").unwrap_err(), "`long` is not a number");
        assert_eq!(said("dance").unwrap_err(), "`dance` is not known");
    }
}
