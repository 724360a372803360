//! What is asked of the embedded log, asked of a cluster.

use crate::{as_of::any_instant, crash, histories::is_kept_once, home::Home};

/// How many instants are asked for.
const INSTANTS: u64 = 200;

/// How many of the kills under load are of a server on a cluster: one of so many.
const ONE_OF: u64 = 10;

#[test]
fn wikimedia_says_on_a_cluster_who_deployed_what_and_a_second_import_adds_nothing() {
    is_kept_once("wikimedia", &Home::on_a_cluster(1));
}

#[test]
fn wikimedia_was_on_a_cluster_at_any_instant_what_its_lines_say_up_to_then() {
    any_instant("wikimedia", INSTANTS, 4, &Home::on_a_cluster(3));
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_on_the_cluster_once_and_in_order() {
    crash::survives(crash::crashes().div_ceil(ONE_OF), &Home::on_a_cluster(1));
}
