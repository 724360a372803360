//! What people and programs say: the vocabulary of a generated history.

use super::chance::Chance;

/// What services are called; later ones add a role to these.
pub(super) const SERVICES: [&str; 40] = [
    "checkout",
    "catalog",
    "search",
    "cart",
    "payments",
    "storefront",
    "orders",
    "accounts",
    "inventory",
    "recommendations",
    "shipping",
    "pricing",
    "notifications",
    "login",
    "invoices",
    "media",
    "reviews",
    "gateway",
    "fraud-check",
    "addresses",
    "vouchers",
    "returns",
    "newsletter",
    "warehouse",
    "sessions",
    "tax",
    "wishlist",
    "feature-flags",
    "refunds",
    "loyalty",
    "delivery-slots",
    "audit-trail",
    "exports",
    "chat",
    "experiments",
    "stock-feed",
    "image-resizer",
    "ledger",
    "partner-api",
    "back-office",
];

/// What a service that shares its name with another one does for it.
pub(super) const ROLES: [&str; 12] = [
    "api", "worker", "ui", "sync", "jobs", "admin", "import", "export", "webhooks", "cache",
    "reports", "proxy",
];

/// Where a deployment runs, target by target.
pub(super) const REGIONS: [&str; 3] = ["eu-west", "us-east", "ap-south"];

const VERBS: [&str; 8] =
    ["add", "show", "allow", "support", "cache", "paginate", "simplify", "validate"];

const THINGS: [&str; 24] = [
    "gift cards",
    "saved addresses",
    "stock levels",
    "delivery slots",
    "order notes",
    "search suggestions",
    "price alerts",
    "invoices",
    "partial refunds",
    "two-factor login",
    "session limits",
    "address lookup",
    "product reviews",
    "wish lists",
    "loyalty points",
    "tax rates",
    "export files",
    "audit entries",
    "rate limits",
    "parcel tracking",
    "size charts",
    "bulk orders",
    "payment reminders",
    "newsletter topics",
];

const PLACES: [&str; 12] = [
    "at checkout",
    "in the account area",
    "for guests",
    "on mobile",
    "in the admin panel",
    "for business customers",
    "in every region",
    "in e-mails",
    "in the API",
    "behind a flag",
    "for large baskets",
    "on product pages",
];

const FAULTS: [&str; 16] = [
    "a race between two retries",
    "a memory leak in the image cache",
    "wrong totals with two vouchers",
    "a timeout on large baskets",
    "duplicate e-mails",
    "stale prices after a currency change",
    "an empty page for signed-out users",
    "a deadlock in the stock reservation",
    "a crash on an unknown country code",
    "rounding of tax on refunds",
    "a redirect loop after login",
    "slow queries on the order list",
    "missing translations",
    "a broken link to the invoice",
    "an off-by-one in pagination",
    "retries that ignored the deadline",
];

const TABLES: [&str; 8] =
    ["orders", "customers", "products", "payments", "sessions", "addresses", "prices", "events"];

const LIBRARIES: [&str; 10] = [
    "openssl",
    "tokio",
    "serde",
    "react",
    "postgres-driver",
    "kafka-client",
    "log4j",
    "protobuf",
    "zlib",
    "jackson",
];

const SETTINGS: [&str; 6] = [
    "raise the connection pool",
    "shorten the request timeout",
    "double the worker count",
    "lower the log level",
    "move the cache to the new cluster",
    "enable tracing",
];

const FAILURES: [(&str, &str); 12] = [
    (
        "pull image",
        "registry.example.com answered 503 Service Unavailable, gave up after 3 attempts",
    ),
    ("migrate database", "lock timeout after 30 s: another transaction holds table orders"),
    ("migrate database", "column already exists: the migration was applied half-way before"),
    ("roll out", "2 of 6 pods not ready after 600 s: CrashLoopBackOff"),
    ("roll out", "4 of 6 pods not ready after 600 s: ImagePullBackOff"),
    ("health check", "GET /readyz answered 500 for 120 s: no connection to the database"),
    ("health check", "GET /readyz timed out after 10 s, 5 times in a row"),
    ("smoke tests", "3 of 48 smoke tests failed, the first is `voucher is applied once`"),
    ("apply manifests", "quota exceeded: requested memory 12Gi, 3Gi left in this namespace"),
    ("acquire lock", "another rollout has held the lock for 14 minutes"),
    ("read configuration", "required setting PAYMENT_TIMEOUT is not set"),
    ("drain nodes", "eviction would violate the disruption budget, gave up after 15 minutes"),
];

const SYMPTOMS: [&str; 8] = [
    "customers see an empty basket",
    "payments by card fail",
    "orders are placed twice",
    "log-in loops back to the form",
    "memory grows until the pods are killed",
    "search returns nothing for some words",
    "e-mails go out without a body",
    "the queue of jobs does not drain",
];

const SECOND_TRIES: [&str; 5] = [
    "the registry is back",
    "looks like a flaky node",
    "the lock is gone",
    "second try after the quota was raised",
    "try again",
];

/// Why somebody calls a deployment off.
pub(super) const SECOND_THOUGHTS: [&str; 4] = [
    "a newer release is on its way",
    "waiting for the migration of the partner",
    "wrong release picked",
    "the change is not announced yet",
];

/// Why somebody turns a deployment down.
pub(super) const OBJECTIONS: [&str; 4] = [
    "not on a Friday evening",
    "the load test is not done",
    "the irreversible migration needs a backup first",
    "legal has not signed off",
];

/// What somebody says who agrees.
pub(super) const CONSENTS: [&str; 4] =
    ["looks good", "staging has been quiet since yesterday", "go", "checked the dashboards"];

/// What is found out about a deployment that failed.
pub(super) const FINDINGS: [&str; 4] = [
    "the node had no disk left",
    "the lock was held by an old job",
    "the new setting is missing in this environment",
    "the test itself was wrong",
];

/// What is found out about a release that did badly.
pub(super) const CONCLUSIONS: [&str; 5] = [
    "the new query does not use the index",
    "the cache was too small for the new keys",
    "old clients send the field empty",
    "the time limit of the provider is shorter than ours",
    "two instances ran the same job",
];

/// Why somebody tries the same again.
pub(super) fn second_try(chance: &mut Chance) -> String {
    chance.pick(&SECOND_TRIES).into()
}

/// What a new feature is.
pub(super) fn feature(chance: &mut Chance) -> String {
    [chance.pick(&VERBS), chance.pick(&THINGS), chance.pick(&PLACES)].join(" ")
}

/// What is mended.
pub(super) fn fix(chance: &mut Chance) -> String {
    format!("fix {} {}", chance.pick(&FAULTS), chance.pick(&PLACES))
}

/// What happens to the database, and whether the release before can run after it.
pub(super) fn migration(chance: &mut Chance) -> (String, bool) {
    let (table, other) = (chance.pick(&TABLES), chance.pick(&TABLES));
    match chance.below(4) {
        0 => (format!("drop the unused columns of {table}"), false),
        1 => (format!("split {table} by month"), false),
        2 => (format!("add an index on {table}"), true),
        _ => (format!("add a reference from {table} to {other}"), true),
    }
}

/// Which dependency is brought up to date.
pub(super) fn dependency(chance: &mut Chance) -> String {
    let (major, minor, patch) = (chance.range(1, 5), chance.range(0, 30), chance.range(0, 9));
    format!("update {} to {major}.{minor}.{patch}", chance.pick(&LIBRARIES))
}

/// What is set differently.
pub(super) fn configuration(chance: &mut Chance) -> String {
    chance.pick(&SETTINGS).into()
}

/// In which step a deployment failed, and with what.
pub(super) fn failure(chance: &mut Chance) -> (&'static str, &'static str) {
    chance.pick(&FAILURES)
}

/// What a monitor says of a release that does badly.
pub(super) fn ailment(chance: &mut Chance) -> String {
    match chance.below(3) {
        0 => format!("error rate {}.{} % (limit 1 %)", chance.range(2, 38), chance.range(0, 9)),
        1 => format!("p99 latency {} ms (limit 400 ms)", chance.range(600, 9_000)),
        _ => format!("{} of 6 pods restarted within 10 minutes", chance.range(2, 6)),
    }
}

/// Why somebody rolls back.
pub(super) fn complaint(chance: &mut Chance) -> String {
    match chance.below(3) {
        0 => format!("error rate at {} % since the deployment", chance.range(2, 38)),
        1 => format!("p99 latency went from 180 ms to {} ms", chance.range(600, 9_000)),
        _ => chance.pick(&SYMPTOMS).into(),
    }
}
