//! What `shiplog status` says of a lane beside what runs.

use super::call::Shop;

/// The marks of a service in production.
#[track_caller]
fn marks(shop: &Shop, service: &str) -> String {
    let csv = shop.call(&format!("status production --service {service} --output csv")).ends(0);
    csv.out.lines().nth(1).unwrap().rsplit_once(',').unwrap().1.to_owned()
}

#[test]
fn what_runs_and_what_waits_are_both_told() {
    let shop = Shop::open();
    shop.does(
        "
        deploy qq production 1 --status succeeded --at 2025-03-02T10:01Z
        deploy qq production 2 --status started --at 2025-03-02T10:02Z
        deploy qq production 3
        ",
    );
    assert_eq!(marks(&shop, "qq"), "running: 2 (#2); queued: 3 (#3)");
    shop.does("deploy qq production 4");
    assert_eq!(marks(&shop, "qq"), "running: 2 (#2); queued: 4 (#4); 1 more waits");
    let recover = shop.call("recover qq production").ends(0).out;
    let told = "\nIn progress: running: 2 (#2); queued: 4 (#4); 1 more waits.\n";
    assert!(recover.contains(told), "{recover}");
}

#[test]
fn a_step_without_a_number_is_for_what_it_can_be_for() {
    let shop = Shop::open();
    shop.does(
        "
        deploy qq production 1 --status started --at 2025-03-02T10:02Z
        deploy qq production 2
        ",
    );
    shop.call("cancel qq production --reason x")
        .tells(2, &["qq/production: running: 1 (#1); queued: 2 (#2)", "name one of them"]);
    assert_eq!(shop.call("start qq production").ends(0).out, "qq/production#2\n");
    assert_eq!(shop.call("cancel qq/production#2").ends(0).out, "qq/production#2\n");
    shop.does("deploy qq production 3");
    assert_eq!(shop.call("succeed qq production").ends(0).out, "qq/production#1\n");
    assert_eq!(shop.call("cancel qq production").ends(0).out, "qq/production#3\n");
}

#[test]
fn what_nobody_has_begun_is_requested_and_what_waits_for_people_says_for_how_many() {
    let shop = Shop::open();
    shop.does(
        "
        environments declare production --tier production --approvals 1
        deploy search production 1 --status succeeded --at 2025-03-02T10:01Z
        ",
    );
    let asked = shop.call("deploy search production 2").ends(0);
    assert_eq!(asked.err, "search 2 in production: waiting for approval (0 of 1)\n");
    assert_eq!(marks(&shop, "search"), "waiting for approval (0 of 1): 2 (#2)");
    let shown = shop.call("show search/production#2").ends(0).out;
    let progress = shown.lines().find(|line| line.starts_with("progress"));
    assert!(progress.is_some_and(|line| line.ends_with("  waiting for approval (0 of 1)")));
    shop.does("approve search production --actor ben");
    assert_eq!(marks(&shop, "search"), "requested: 2 (#2)");
}

#[test]
fn what_is_recorded_for_later_does_not_run_and_is_marked() {
    let shop = Shop::open();
    shop.does(
        "
        deploy fut production 1.0 --status succeeded --at 2025-03-02T10:00Z
        deploy fut production 1.1 --status succeeded --at 2199-03-02T10:00Z
        deploy fut production 1.2 --status succeeded
        ",
    );
    let status = shop.call("status production").ends(0).out;
    let row = status.lines().find(|line| line.starts_with("fut ")).unwrap();
    assert!(row.starts_with("fut      1.2 "), "{status}");
    assert!(row.ends_with("  recorded for 2199-03-02: 1.1 (#2)"), "{status}");
    assert!(!status.contains("(in "), "{status}");
    assert_eq!(marks(&shop, "fut"), "recorded for 2199-03-02T10:00:00Z: 1.1 (#2)");
}
