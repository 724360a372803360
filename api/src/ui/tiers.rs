//! The tiers of environments, as the pages order and name them.

use shiplog_domain::environment::Tier;

/// Every tier with its word, that which users depend on first.
pub(super) const TIERS: [(&str, Tier); 5] = [
    ("production", Tier::Production),
    ("staging", Tier::Staging),
    ("testing", Tier::Testing),
    ("development", Tier::Development),
    ("other", Tier::Other),
];

/// How far from users a tier is.
pub(super) fn stage(tier: Tier) -> u8 {
    match tier {
        Tier::Production => 0,
        Tier::Staging => 1,
        Tier::Testing => 2,
        Tier::Development => 3,
        Tier::Other => 4,
    }
}
