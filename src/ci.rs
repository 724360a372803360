//! What a continuous integration runner says about the run in its environment variables.

use crate::actor::{Actor, Kind};

/// Looks up one environment variable; empty ones count as absent.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A value, and the environment variable that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    /// The value.
    pub(crate) value: T,
    /// The variable.
    pub(crate) variable: &'static str,
}

/// One run of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What the runner is called: `github`, `gitlab`.
    pub(crate) runner: &'static str,
    /// The commit that the run is about.
    pub(crate) commit: Option<Found<String>>,
    /// Who caused the run.
    pub(crate) actor: Option<Found<Actor>>,
    /// The page that shows the run.
    pub(crate) url: Option<Found<String>>,
    /// The run and its attempt: another one in each repetition, the same for every step in it.
    pub(crate) attempt: Option<Found<String>>,
    /// Which step of it this is, where the runner says so.
    pub(crate) step: Option<String>,
}

/// Finds out on which runner this is, if on any.
pub(crate) fn detect(variables: Variables<'_>) -> Option<Run> {
    RUNNERS
        .iter()
        .find(|runner| variables(runner.mark).is_some())
        .map(|runner| runner.read(variables))
}

/// Which variables a runner sets.
struct Runner {
    name: &'static str,
    /// Set on this runner alone.
    mark: &'static str,
    commit: &'static str,
    /// The first one that is set counts.
    actor: &'static [&'static str],
    url: fn(Variables<'_>) -> Option<Found<String>>,
    /// Joined by `-`; the first one is required.
    attempt: &'static [&'static str],
    /// What tells the steps of one attempt apart, where anything does that `attempt` does not.
    step: Option<&'static str>,
}

const RUNNERS: [Runner; 6] = [
    Runner {
        name: "github",
        mark: "GITHUB_ACTIONS",
        commit: "GITHUB_SHA",
        actor: &["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"],
        url: |variables| {
            let server = variables("GITHUB_SERVER_URL")?;
            let repository = variables("GITHUB_REPOSITORY")?;
            let run = variables("GITHUB_RUN_ID")?;
            let attempt = variables("GITHUB_RUN_ATTEMPT")
                .map(|attempt| format!("/attempts/{attempt}"))
                .unwrap_or_default();
            let value = format!("{server}/{repository}/actions/runs/{run}{attempt}");
            Some(Found { value, variable: "GITHUB_RUN_ID" })
        },
        attempt: &["GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB"],
        step: Some("GITHUB_ACTION"),
    },
    Runner {
        name: "gitlab",
        mark: "GITLAB_CI",
        commit: "CI_COMMIT_SHA",
        actor: &["GITLAB_USER_LOGIN"],
        url: |variables| found(variables, "CI_JOB_URL"),
        attempt: &["CI_JOB_ID"],
        step: None,
    },
    Runner {
        name: "buildkite",
        mark: "BUILDKITE",
        commit: "BUILDKITE_COMMIT",
        actor: &["BUILDKITE_UNBLOCKER", "BUILDKITE_BUILD_CREATOR", "BUILDKITE_BUILD_AUTHOR"],
        url: |variables| found(variables, "BUILDKITE_BUILD_URL"),
        attempt: &["BUILDKITE_JOB_ID", "BUILDKITE_RETRY_COUNT"],
        step: None,
    },
    Runner {
        name: "circleci",
        mark: "CIRCLECI",
        commit: "CIRCLE_SHA1",
        actor: &["CIRCLE_USERNAME"],
        url: |variables| found(variables, "CIRCLE_BUILD_URL"),
        attempt: &["CIRCLE_WORKFLOW_ID", "CIRCLE_BUILD_NUM"],
        step: None,
    },
    Runner {
        name: "bitbucket",
        mark: "BITBUCKET_BUILD_NUMBER",
        commit: "BITBUCKET_COMMIT",
        actor: &["BITBUCKET_STEP_TRIGGERER_UUID"],
        url: |variables| {
            let origin = variables("BITBUCKET_GIT_HTTP_ORIGIN")?;
            let number = variables("BITBUCKET_BUILD_NUMBER")?;
            let value = format!("{origin}/pipelines/results/{number}");
            Some(Found { value, variable: "BITBUCKET_BUILD_NUMBER" })
        },
        attempt: &["BITBUCKET_PIPELINE_UUID", "BITBUCKET_STEP_UUID", "BITBUCKET_STEP_RUN_NUMBER"],
        step: None,
    },
    Runner {
        name: "jenkins",
        mark: "JENKINS_URL",
        commit: "GIT_COMMIT",
        actor: &["BUILD_USER_ID"],
        url: |variables| found(variables, "BUILD_URL"),
        attempt: &["BUILD_TAG"],
        step: Some("STAGE_NAME"),
    },
];

fn found(variables: Variables<'_>, variable: &'static str) -> Option<Found<String>> {
    variables(variable).map(|value| Found { value, variable })
}

impl Runner {
    fn read(&self, variables: Variables<'_>) -> Run {
        let actor = self.actor.iter().find_map(|variable| found(variables, variable));
        let actor = actor.map(|Found { value, variable }| {
            let bot = value.ends_with("[bot]");
            let kind = if bot { Kind::Service } else { Kind::Person };
            Found { value: Actor::new(kind, value), variable }
        });
        Run {
            runner: self.name,
            // Buildkite leaves the name `HEAD` there until it has looked the commit up.
            commit: found(variables, self.commit).filter(|commit| commit.value != "HEAD"),
            actor: actor.or(Some(Found {
                value: Actor::new(Kind::Service, self.name),
                variable: self.mark,
            })),
            url: (self.url)(variables),
            attempt: self.attempt(variables),
            step: self.step.and_then(variables),
        }
    }

    fn attempt(&self, variables: Variables<'_>) -> Option<Found<String>> {
        let (first, others) = self.attempt.split_first()?;
        let mut value = format!("{}-{}", self.name, variables(first)?);
        for other in others.iter().filter_map(|variable| variables(variable)) {
            value.push('-');
            value.push_str(&other);
        }
        Some(Found { value, variable: first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variables with their values.
    type Set<'a> = &'a [(&'a str, &'a str)];

    fn run(set: Set<'_>) -> Option<Run> {
        detect(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into()))
    }

    fn summary(set: Set<'_>) -> [String; 4] {
        let Run { runner: _, commit, actor, url, attempt, step: _ } = run(set).unwrap();
        let text =
            |found: Option<Found<String>>| found.map(|found| found.value).unwrap_or_default();
        [text(commit), actor.unwrap().value.to_string(), text(url), text(attempt)]
    }

    #[test]
    fn outside_of_a_runner_nothing_is_found() {
        assert_eq!(run(&[("CI", "true"), ("GIT_COMMIT", "abc")]), None);
    }

    #[test]
    fn github_names_run_attempt_and_job() {
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "3f2c"),
            ("GITHUB_ACTOR", "ann"),
            ("GITHUB_TRIGGERING_ACTOR", "bob"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "shop/checkout"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_JOB", "deploy"),
        ];
        let expected = [
            "3f2c",
            "person:bob",
            "https://github.com/shop/checkout/actions/runs/77/attempts/2",
            "github-77-2-deploy",
        ];
        assert_eq!(summary(&variables), expected);
    }

    #[test]
    fn the_other_runners_are_known_by_their_own_variables() {
        let cases: [(Set<'_>, [&str; 4]); 5] = [
            (
                &[
                    ("GITLAB_CI", "true"),
                    ("CI_COMMIT_SHA", "a1"),
                    ("GITLAB_USER_LOGIN", "ann"),
                    ("CI_JOB_URL", "https://gitlab/j/5"),
                    ("CI_JOB_ID", "5"),
                ],
                ["a1", "person:ann", "https://gitlab/j/5", "gitlab-5"],
            ),
            (
                &[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_COMMIT", "HEAD"),
                    ("BUILDKITE_BUILD_CREATOR", "ann"),
                    ("BUILDKITE_BUILD_URL", "https://bk/1"),
                    ("BUILDKITE_JOB_ID", "j1"),
                    ("BUILDKITE_RETRY_COUNT", "0"),
                ],
                ["", "person:ann", "https://bk/1", "buildkite-j1-0"],
            ),
            (
                &[
                    ("CIRCLECI", "true"),
                    ("CIRCLE_SHA1", "a1"),
                    ("CIRCLE_USERNAME", "ann"),
                    ("CIRCLE_BUILD_URL", "https://circle/9"),
                    ("CIRCLE_WORKFLOW_ID", "w"),
                    ("CIRCLE_BUILD_NUM", "9"),
                ],
                ["a1", "person:ann", "https://circle/9", "circleci-w-9"],
            ),
            (
                &[
                    ("BITBUCKET_BUILD_NUMBER", "12"),
                    ("BITBUCKET_COMMIT", "a1"),
                    ("BITBUCKET_GIT_HTTP_ORIGIN", "https://bitbucket.org/shop/checkout"),
                    ("BITBUCKET_PIPELINE_UUID", "{p}"),
                ],
                [
                    "a1",
                    "service:bitbucket",
                    "https://bitbucket.org/shop/checkout/pipelines/results/12",
                    "bitbucket-{p}",
                ],
            ),
            (
                &[
                    ("JENKINS_URL", "https://jenkins"),
                    ("GIT_COMMIT", "a1"),
                    ("BUILD_URL", "https://jenkins/job/x/4"),
                    ("BUILD_TAG", "jenkins-x-4"),
                ],
                ["a1", "service:jenkins", "https://jenkins/job/x/4", "jenkins-jenkins-x-4"],
            ),
        ];
        for (variables, expected) in cases {
            assert_eq!(summary(variables), expected);
        }
    }

    #[test]
    fn the_steps_of_an_attempt_are_told_apart_where_the_runner_does() {
        let step = |set: Set<'_>| run(set).unwrap().step;
        let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_ACTION", "__run_2")];
        assert_eq!(step(&github).as_deref(), Some("__run_2"));
        let jenkins = [("JENKINS_URL", "https://jenkins"), ("STAGE_NAME", "Deploy")];
        assert_eq!(step(&jenkins).as_deref(), Some("Deploy"));
        assert_eq!(step(&[("GITLAB_CI", "true"), ("CI_JOB_ID", "5")]), None);
    }

    #[test]
    fn a_bot_is_a_service() {
        let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "renovate[bot]")];
        assert_eq!(summary(&variables)[1], "service:renovate[bot]");
    }
}
