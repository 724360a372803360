//! How people name a deployment: `checkout/production#42`, `checkout/production~1`.

mod step;
mod written;

use std::str::FromStr;

use serde_json::Value;

use self::step::Meant;
pub(crate) use self::{step::Step, written::named};
use crate::{
    client::{Client, deployment_path, lane_path},
    exit::{Exit, Failure},
    instant::Watch,
    status::open,
};

/// A lane, and which of its deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// What is deployed.
    pub(crate) service: String,
    /// Where.
    pub(crate) environment: String,
    /// Which of the lane's deployments.
    pub(crate) which: Which,
}

/// Which deployment of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Nothing was said.
    Current,
    /// `~2`: what ran so many before what runs now.
    Before(u32),
    /// `#42`.
    Number(u64),
    /// `@2h`: what ran then; read once the time zone is known.
    At(String),
}

impl Which {
    /// Reads what follows the environment: `#42`, `42`, `~1`, `@2h`.
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(instant) = text.strip_prefix('@') {
            return Ok(Self::At(instant.into()));
        }
        if let Some(count) = text.strip_prefix('~') {
            return count
                .parse()
                .map(Self::Before)
                .map_err(|_| format!("`{text}` should be `~` and a number"));
        }
        text.strip_prefix('#')
            .unwrap_or(text)
            .parse()
            .map(Self::Number)
            .map_err(|_| format!("`{text}` is no deployment number: give one like `42` or `#42`"))
    }
}

/// Divides `production#42` into the environment and what follows it.
fn split_which(text: &str) -> Result<(&str, Which), String> {
    match text.find(['#', '~', '@']) {
        Some(place) => {
            let (environment, rest) = text.split_at(place);
            Ok((environment.trim_end(), Which::read(rest)?))
        }
        None => Ok((text, Which::Current)),
    }
}

impl FromStr for Reference {
    type Err = String;

    /// Reads `service/environment` and what may follow.
    ///
    /// The environment stands after the last `/`; what it holds of `/#~@%` is percent-encoded, and
    /// either name may have anything percent-encoded.
    fn from_str(text: &str) -> Result<Self, String> {
        let (service, rest) = text.rsplit_once('/').ok_or_else(|| {
            format!("`{text}` has no `/`: give one like `checkout/production#42`")
        })?;
        let (environment, which) = split_which(rest)?;
        Self::new(&written::decoded(service)?, &written::decoded(environment)?, which)
    }
}

impl Reference {
    fn new(service: &str, environment: &str, which: Which) -> Result<Self, String> {
        if service.is_empty() || environment.is_empty() {
            return Err("a deployment needs a service and an environment".into());
        }
        Ok(Self { service: service.into(), environment: environment.into(), which })
    }

    /// Reads one to three arguments: a reference, or SERVICE ENVIRONMENT \[NUMBER\].
    pub(crate) fn from_words(words: &[String]) -> Result<Self, Failure> {
        let read = match words {
            [reference] => reference.parse(),
            [service, environment] => split_which(environment)
                .and_then(|(environment, which)| Self::new(service, environment, which)),
            [service, environment, which] => {
                Which::read(which).and_then(|which| Self::new(service, environment, which))
            }
            [] | [_, _, _, ..] => Err("give SERVICE/ENVIRONMENT#NUMBER".into()),
        };
        read.map_err(Failure::usage)
    }

    /// What messages call the lane.
    pub(crate) fn lane(&self) -> String {
        named(&self.service, &self.environment)
    }

    /// The deployment's number, asked from the server unless it was given.
    pub(crate) fn number(&self, client: &Client, watch: &Watch) -> anyhow::Result<u64> {
        match &self.which {
            Which::Number(number) => Ok(*number),
            Which::Current => self.current(client),
            Which::Before(count) => self.before(client, *count),
            Which::At(text) => self.at(client, watch, text),
        }
    }

    /// As [`Self::number`], but nothing said means the one deployment that has not ended and that
    /// the step is for.
    pub(crate) fn open_number(
        &self,
        client: &Client,
        watch: &Watch,
        step: Step,
    ) -> anyhow::Result<u64> {
        if self.which != Which::Current {
            return self.number(client, watch);
        }
        let lane = client.get(&lane_path(&self.service, &self.environment))?.body;
        match step.meant(&lane) {
            Meant::One(number) => Ok(number),
            Meant::Nothing => Err(self.missing("nothing is in progress there").into()),
            Meant::Several => {
                let message = format!("{}: {}", self.lane(), open(&lane, None).join("; "));
                Err(Failure::usage(message).note("name one of them").into())
            }
        }
    }

    fn current(&self, client: &Client) -> anyhow::Result<u64> {
        let lane = client.get(&lane_path(&self.service, &self.environment))?.body;
        let number = lane.pointer("/current/number").and_then(Value::as_u64);
        number.ok_or_else(|| self.missing("nothing runs there").into())
    }

    fn before(&self, client: &Client, count: u32) -> anyhow::Result<u64> {
        let mut number = self.current(client)?;
        for _ in 0..count {
            let one = client.get(&deployment_path(&self.service, &self.environment, number))?.body;
            number = one
                .pointer("/replaced/number")
                .and_then(Value::as_u64)
                .ok_or_else(|| self.missing(&format!("nothing ran before #{number}")))?;
        }
        Ok(number)
    }

    fn at(&self, client: &Client, watch: &Watch, text: &str) -> anyhow::Result<u64> {
        let at = watch.read(text).map_err(Failure::usage)?.to_string();
        let number = match client.get(&lane_path(&self.service, &self.environment).with("at", &at))
        {
            Ok(lane) => lane.body.pointer("/current/number").and_then(Value::as_u64),
            Err(failure) if failure.exit() == Exit::Refused => None,
            Err(failure) => return Err(failure.into()),
        };
        number.ok_or_else(|| self.missing(&format!("nothing ran there at {at}")).into())
    }

    fn missing(&self, why: &str) -> Failure {
        Failure::new(Exit::Refused, format!("{}: {why}", self.lane()))
            .note(format!("see `shiplog history --service {}`", self.service))
    }
}

/// The arguments that name a deployment.
#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The deployment: `checkout/production#42`, or SERVICE ENVIRONMENT NUMBER.
    ///
    /// `checkout/production` is what runs (for commands that report, what is in progress),
    /// `~1` what ran before that, `@2h` and `@2026-11-01T12:00Z` what ran then. The environment
    /// stands after the last `/`; if its name holds one, write `%2F`, or give the words one by one.
    /// A blank is `%20` and a percent sign `%25`, as they are in the names that commands print.
    #[arg(value_name = "DEPLOYMENT", required = true, num_args = 1..=3)]
    words: Vec<String>,
}

impl Named {
    /// Reads the arguments.
    pub(crate) fn reference(&self) -> Result<Reference, Failure> {
        Reference::from_words(&self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(service: &str, environment: &str, which: Which) -> Reference {
        Reference { service: service.into(), environment: environment.into(), which }
    }

    #[test]
    fn every_way_to_name_a_deployment_is_read() {
        for (text, environment, which) in [
            ("checkout/production", "production", Which::Current),
            ("checkout/production~1", "production", Which::Before(1)),
            ("checkout/production#42", "production", Which::Number(42)),
            ("checkout/production #42", "production", Which::Number(42)),
            ("checkout/production@2h", "production", Which::At("2h".into())),
            (
                "checkout/production@2026-11-01T12:00Z",
                "production",
                Which::At("2026-11-01T12:00Z".into()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(reference("checkout", environment, which)), "{text}");
        }
    }

    #[test]
    fn the_environment_stands_after_the_last_slash() {
        let read: Reference = "alphagov/front#end/production#7".parse().unwrap();
        assert_eq!(read, reference("alphagov/front#end", "production", Which::Number(7)));
    }

    #[test]
    fn words_given_one_by_one_may_hold_anything() {
        let words = |words: &[&str]| {
            let words: Vec<_> = words.iter().map(ToString::to_string).collect();
            Reference::from_words(&words)
        };
        let read = words(&["checkout", "review/feature-x", "42"]).unwrap();
        assert_eq!(read, reference("checkout", "review/feature-x", Which::Number(42)));
        let read = words(&["checkout", "review/feature-x~2"]).unwrap();
        assert_eq!(read, reference("checkout", "review/feature-x", Which::Before(2)));
    }

    #[test]
    fn what_names_no_deployment_says_what_would() {
        for (text, part) in [
            ("checkout", "no `/`"),
            ("checkout/production#", "no deployment number"),
            ("checkout/production~x", "`~` and a number"),
            ("/production", "needs a service"),
            ("checkout/#4", "needs a service and an environment"),
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
