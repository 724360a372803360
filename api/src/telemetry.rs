//! What is counted and timed. Labels are bounded: never a version, never a person.

mod counting;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::SignedDuration;
use metrics::{Key, KeyName, Label, Level, Metadata, Recorder as _, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use shiplog_domain::permission::Needs;
use shiplog_projections::models::Rebuild;
use shiplog_store::{log::Log, position::GlobalPosition};

use self::counting::Counting;
use crate::{acknowledged::Acknowledged, connections::Connections};

const REQUESTS: &str = "shiplog_http_requests_total";
const DURATIONS: &str = "shiplog_http_request_duration_seconds";
const COMMANDS: &str = "shiplog_commands_total";
const APPENDED: &str = "shiplog_events_appended_total";
const CONNECTIONS: &str = "shiplog_http_connections";
const REFUSED: &str = "shiplog_http_connections_refused_total";
const WRITABLE: &str = "shiplog_log_writable";
const CLOCK_SKEW: &str = "shiplog_clock_skew_seconds";
const CLOCK_BEHIND: &str = "shiplog_clock_behind_log_seconds";
const LAG: &str = "shiplog_projection_lag_events";
const LAG_SECONDS: &str = "shiplog_projection_lag_seconds";
const POSITION: &str = "shiplog_projection_position";
const DAMAGED: &str = "shiplog_damaged_streams";
const REBUILDING: &str = "shiplog_projection_rebuild_running";
const REBUILT_EVENTS: &str = "shiplog_projection_rebuild_events_done";
const REBUILD_EVENTS: &str = "shiplog_projection_rebuild_events_total";
const REBUILD_RATE: &str = "shiplog_projection_rebuild_events_per_second";

/// Upper bounds of a request's duration, in seconds.
const BUCKETS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// After how many requests what was timed is sorted into its buckets.
const UPKEEP: u64 = 1_024;

const METADATA: Metadata<'_> = Metadata::new("shiplog", Level::INFO, None);

/// One server's metrics; nothing of it is global to the process.
pub(crate) struct Telemetry {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    requests: AtomicU64,
}

impl Telemetry {
    pub(crate) fn new() -> Self {
        let plain = |_| PrometheusBuilder::new();
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap_or_else(plain);
        let recorder = builder.build_recorder();
        let describe = |name: &'static str, unit, text: &'static str| {
            (KeyName::from(name), unit, SharedString::from(text))
        };
        for (name, unit, text) in [
            describe(REQUESTS, None, "requests answered"),
            describe(COMMANDS, None, "commands, by what whoever asks must be allowed to do"),
            describe(APPENDED, None, "events appended to the log by this server"),
            describe(REFUSED, None, "connections refused, for the limit or by the system"),
        ] {
            recorder.describe_counter(name, unit, text);
        }
        for (name, unit, text) in [
            describe(CONNECTIONS, None, "connections that are open"),
            describe(WRITABLE, None, "whether events can be recorded: 1, or 0"),
            describe(
                CLOCK_SKEW,
                Some(Unit::Seconds),
                "how far the clock is ahead of the time that has passed since the start",
            ),
            describe(CLOCK_BEHIND, Some(Unit::Seconds), "how far it is behind the last event"),
            describe(LAG, None, "events that the projection has yet to fold, counted up to 1,000"),
            describe(LAG_SECONDS, Some(Unit::Seconds), "age of the first event not folded"),
            describe(POSITION, None, "the log's position up to which the projection is folded"),
            describe(DAMAGED, None, "streams that the projection tells of only in part"),
            describe(REBUILDING, None, "whether a rebuild of the projection is under way"),
            describe(REBUILT_EVENTS, None, "events that the projection's last rebuild has folded"),
            describe(REBUILD_EVENTS, None, "events that it folds in all, as far as is known"),
            describe(REBUILD_RATE, None, "events a second that it has folded lately"),
        ] {
            recorder.describe_gauge(name, unit, text);
        }
        let (name, unit, text) = describe(DURATIONS, Some(Unit::Seconds), "time to an answer");
        recorder.describe_histogram(name, unit, text);
        Self { handle: recorder.handle(), recorder, requests: AtomicU64::new(0) }
    }

    /// Counts and times a request that was answered.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let mut labels = vec![Label::new("method", method), Label::new("route", route.to_owned())];
        let time = Key::from_parts(DURATIONS, labels.clone());
        labels.push(Label::new("status", status.to_string()));
        let count = Key::from_parts(REQUESTS, labels);
        self.recorder.register_counter(&count, &METADATA).increment(1);
        self.recorder.register_histogram(&time, &METADATA).record(took.as_secs_f64());
        if self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(UPKEEP) {
            self.handle.run_upkeep();
        }
    }

    /// Counts a command by what it takes to ask for it, whether it is refused or not.
    pub(crate) fn asked(&self, command: &impl Needs) {
        for permission in command.needs() {
            let labels = vec![Label::new("permission", permission.as_str())];
            let count = Key::from_parts(COMMANDS, labels);
            self.recorder.register_counter(&count, &METADATA).increment(1);
        }
    }

    /// Notes whether events can be recorded.
    pub(crate) fn writable(&self, is_writable: bool) {
        let gauge = self.recorder.register_gauge(&Key::from_name(WRITABLE), &METADATA);
        gauge.set(float(u64::from(is_writable)));
    }

    /// Notes how far the clock has jumped, and how far it is behind what is recorded.
    pub(crate) fn clock(&self, skew: SignedDuration, behind: SignedDuration) {
        for (gauge, value) in [(CLOCK_SKEW, skew), (CLOCK_BEHIND, behind)] {
            let gauge = self.recorder.register_gauge(&Key::from_name(gauge), &METADATA);
            gauge.set(value.as_secs_f64());
        }
    }

    /// Notes how far a projection is and, if that is known, how far behind.
    pub(crate) fn projection(
        &self,
        name: &'static str,
        position: Option<GlobalPosition>,
        lag: Option<(usize, f64)>,
    ) {
        let (events, seconds) = lag.unzip();
        let events = events.map(|events| float(events as u64));
        let position = position.map_or(0, |position| position.0);
        for (gauge, value) in
            [(LAG, events), (LAG_SECONDS, seconds), (POSITION, Some(float(position)))]
        {
            let Some(value) = value else { continue };
            let key = Key::from_parts(gauge, vec![Label::new("projection", name)]);
            self.recorder.register_gauge(&key, &METADATA).set(value);
        }
    }

    /// Notes how many streams a projection has set aside.
    pub(crate) fn damaged(&self, name: &'static str, streams: usize) {
        let key = Key::from_parts(DAMAGED, vec![Label::new("projection", name)]);
        self.recorder.register_gauge(&key, &METADATA).set(float(streams as u64));
    }

    /// Notes how the rebuild of a projection goes, or went.
    pub(crate) fn rebuild(&self, name: &'static str, rebuild: &Rebuild) {
        for (gauge, value) in [
            (REBUILDING, u64::from(rebuild.status.is_under_way())),
            (REBUILT_EVENTS, rebuild.events_done),
            (REBUILD_EVENTS, rebuild.events_total),
            (REBUILD_RATE, rebuild.events_per_second),
        ] {
            let key = Key::from_parts(gauge, vec![Label::new("projection", name)]);
            self.recorder.register_gauge(&key, &METADATA).set(float(value));
        }
    }

    /// Notes how many connections there are, and how many were refused.
    pub(crate) fn connections(&self, connections: &Connections) {
        let open = self.recorder.register_gauge(&Key::from_name(CONNECTIONS), &METADATA);
        open.set(float(connections.open() as u64));
        for (reason, count) in [("limit", connections.refused()), ("system", connections.failed())]
        {
            let key = Key::from_parts(REFUSED, vec![Label::new("reason", reason)]);
            self.recorder.register_counter(&key, &METADATA).absolute(count);
        }
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// The same log, whose appended events are counted, and noted as acknowledged; what fails is said.
    pub(crate) fn counting(&self, log: Arc<dyn Log>, acknowledged: Acknowledged) -> Arc<dyn Log> {
        let appended = self.recorder.register_counter(&Key::from_name(APPENDED), &METADATA);
        Arc::new(Counting::new(log, appended, acknowledged))
    }
}

#[expect(clippy::cast_precision_loss, reason = "gauges are floats; 2^53 events are out of reach")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_counted_and_timed() {
        let telemetry = Telemetry::new();
        telemetry.answered("GET", "/v1/rollbacks", 200, Duration::from_millis(3));
        let text = telemetry.render();
        let labels = r#"method="GET",route="/v1/rollbacks",status="200""#;
        assert!(text.contains(&format!("shiplog_http_requests_total{{{labels}}} 1")), "{text}");
        assert!(text.contains("shiplog_http_request_duration_seconds_bucket"), "{text}");
    }
}
