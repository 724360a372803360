//! Rules as they are given.

use std::{collections::BTreeMap, str::FromStr};

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, de::Error as _};
use shiplog_domain::{environment::Frozen, names::EnvironmentName};
use shiplog_projections::what_if::{Change, Inference, Policy, Weekly};
use utoipa::ToSchema;

use crate::shapes::{Moment, Text, Whole};

/// Rules that did not hold; where nothing is said, those that did hold on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyGiven {
    /// By the name of the environment; `*` stands for all others.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, ChangeGiven>)]
    environments: BTreeMap<EnvironmentName, ChangeGiven>,
    /// Which deployments count as rollbacks.
    #[serde(default)]
    rollbacks: Option<RollbacksGiven>,
    /// Whether deployments that were reported count, which met no rule in fact; they do unless
    /// something else is said.
    #[serde(default)]
    reports: Option<bool>,
}

/// The rules of an environment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OtherRules)]
pub(super) struct ChangeGiven {
    /// How many people must agree to a deployment.
    #[serde(default)]
    #[schema(value_type = Option<u8>, minimum = 0, maximum = 255)]
    approvals: Option<Whole<0, 255>>,
    /// Whether who asked may be one of them.
    #[serde(default)]
    self_approval: Option<bool>,
    /// Whether a lane takes one deployment at a time.
    #[serde(default)]
    one_at_a_time: Option<bool>,
    /// Freezes instead of those that there were.
    #[serde(default)]
    freezes: Option<Vec<FreezeGiven>>,
    /// Freezes that come every week, beside all others.
    #[serde(default)]
    weekly: Option<Vec<WeeklyGiven>>,
}

/// A freeze.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FreezeGiven {
    /// When it begins.
    from: Moment,
    /// When it ends; never unless something else is said.
    #[serde(default)]
    until: Option<Moment>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10000)]
    reason: Option<Text<1, 10_000>>,
}

/// A freeze that comes every week.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WeeklyGiven {
    /// On which days it begins.
    #[schema(min_items = 1)]
    days: Vec<Day>,
    /// When it begins, as `15:00`; at the beginning of the day unless something else is said.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    from: Option<Clock>,
    /// When it ends, as `18:30`: on the next day, if that is not after its beginning. At the end of
    /// the day unless something else is said.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
    until: Option<Clock>,
    /// Where the clock hangs, as `Europe/Berlin`; UTC unless something else is said.
    #[serde(default)]
    #[schema(value_type = Option<String>, examples("Europe/Berlin"), pattern = "^(UTC|Europe/Berlin)$")]
    time_zone: Option<Zone>,
    /// Why.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 10000)]
    reason: Option<Text<1, 10_000>>,
}

/// Which deployments count as rollbacks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RollbacksGiven {
    /// Which of those that did not say so.
    infer: Infer,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Infer {
    /// Whose version the lane first ran before what it replaced: the rule that holds.
    FirstRun,
    /// That bring back what ran right before what they replaced.
    Previous,
    /// Whose version the lane ever ran before, with something else since.
    AnyEarlier,
    /// None.
    Never,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A time on a wall; the end of a day is the beginning of the next.
struct Clock(Time);

/// A time zone by its name.
struct Zone(TimeZone);

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("`{text}` is not a time from `00:00` to `24:00`"));
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|one| one.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return Err(wrong());
        }
        match (i8::from_str(hour), i8::from_str(minute)) {
            (Ok(24), Ok(0)) => Ok(Self(Time::midnight())),
            (Ok(hour), Ok(minute)) => Time::new(hour, minute, 0, 0).map(Self).map_err(|_| wrong()),
            (Err(_), _) | (_, Err(_)) => Err(wrong()),
        }
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let wrong =
            || format!("`{name}` is no time zone that is known here, such as `Europe/Berlin`");
        TimeZone::get(&name).map(Self).map_err(|_| D::Error::custom(wrong()))
    }
}

impl From<PolicyGiven> for Policy {
    fn from(given: PolicyGiven) -> Self {
        let PolicyGiven { environments, rollbacks, reports } = given;
        let mut environments: BTreeMap<_, Change> =
            environments.into_iter().map(|(name, change)| (name, change.into())).collect();
        let elsewhere = environments.remove("*");
        Self {
            environments,
            elsewhere,
            inference: rollbacks.map(|RollbacksGiven { infer }| infer.into()),
            without_reports: reports == Some(false),
        }
    }
}

impl From<ChangeGiven> for Change {
    fn from(given: ChangeGiven) -> Self {
        let ChangeGiven { approvals, self_approval, one_at_a_time, freezes, weekly } = given;
        let freezes = freezes.map(|freezes| freezes.into_iter().map(Into::into).collect());
        Self {
            // It is at most 255.
            approvals: approvals.and_then(|Whole(approvals)| u8::try_from(approvals).ok()),
            self_approval,
            one_at_a_time,
            freezes,
            weekly: weekly.into_iter().flatten().map(Into::into).collect(),
        }
    }
}

impl From<FreezeGiven> for Frozen {
    fn from(FreezeGiven { from, until, reason }: FreezeGiven) -> Self {
        let reason = reason.map_or_else(|| "a freeze".into(), Into::into);
        Self { at: from.0, reason, until: until.map(|until| until.0) }
    }
}

impl From<WeeklyGiven> for Weekly {
    fn from(WeeklyGiven { days, from, until, time_zone, reason }: WeeklyGiven) -> Self {
        Self {
            days: days.into_iter().map(Into::into).collect(),
            from: from.map_or(Time::midnight(), |Clock(from)| from),
            until: until.map_or(Time::midnight(), |Clock(until)| until),
            zone: time_zone.map_or(TimeZone::UTC, |Zone(zone)| zone),
            reason: reason.map_or_else(|| "a weekly freeze".into(), Into::into),
        }
    }
}

impl From<Infer> for Inference {
    fn from(infer: Infer) -> Self {
        match infer {
            Infer::FirstRun => Self::FirstRun,
            Infer::Previous => Self::Previous,
            Infer::AnyEarlier => Self::AnyEarlier,
            Infer::Never => Self::Never,
        }
    }
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Mon => Self::Monday,
            Day::Tue => Self::Tuesday,
            Day::Wed => Self::Wednesday,
            Day::Thu => Self::Thursday,
            Day::Fri => Self::Friday,
            Day::Sat => Self::Saturday,
            Day::Sun => Self::Sunday,
        }
    }
}
