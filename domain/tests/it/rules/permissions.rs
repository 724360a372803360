//! What whoever asks must be allowed to do.

use shiplog_domain::{
    lane::{Asked, Command, Happened, Outcome, Override, Rail, Rails, Report, RollbackTo},
    permission::{Needs as _, Permission},
};

use crate::samples::{ask, happens, now, release, request, starts};

fn back() -> Asked {
    Asked::Rollback { to: RollbackTo::Previous, release: None }
}

#[test]
fn to_roll_back_is_not_to_deploy() {
    assert_eq!(ask(back(), "10:00").needs(), [Permission::RollBack]);
    for asked in [Asked::Deploy(release("1")), Asked::Retry { of: None }] {
        assert_eq!(ask(asked, "10:00").needs(), [Permission::Deploy]);
    }
}

#[test]
fn to_cross_a_guard_rail_is_a_matter_of_its_own() {
    let crosses = Some(Override { rails: vec![Rail::Freeze], reason: "it burns".into() });
    let rails = Rails::default();
    let command = Command::Request { request: request(back(), now("10:00")), rails, crosses };
    assert_eq!(command.needs(), [Permission::RollBack, Permission::Override]);
}

#[test]
fn to_tell_that_it_began_is_not_to_begin_it() {
    let claim = Happened::Claim { executor: None, log_url: None, rails: Rails::default() };
    assert_eq!(happens(1, now("10:00"), claim).needs(), [Permission::Execute]);
    assert_eq!(happens(1, now("10:00"), starts()).needs(), [Permission::Report]);
    let request = request(back(), now("10:00"));
    let report = Command::Report(Report { request, outcome: Outcome::Succeeded });
    assert_eq!(report.needs(), [Permission::Report], "what took place needs no leave");
}
