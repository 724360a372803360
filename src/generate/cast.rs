//! Who takes part: people in teams, and the programs that work for them.

use shiplog_domain::metadata::{Actor, ActorKind, Source, Via};

use super::{chance::Chance, rhythm::Rhythm};

/// People who look after some of the services.
#[derive(Clone, Copy, Debug)]
pub(super) struct Team {
    /// What the label `team` says.
    pub(super) name: &'static str,
    /// What its tickets begin with.
    pub(super) tickets: &'static str,
    pub(super) rhythm: Rhythm,
    members: [&'static str; 3],
}

/// Every team; services are shared out among them in turn.
pub(super) const TEAMS: [Team; 6] = [
    team("storefront", "SHOP", 8, ["maria", "tomasz", "aiko"]),
    team("payments", "PAY", 8, ["samuel", "priya", "maria"]),
    team("search", "FIND", 14, ["diego", "lena", "noor"]),
    team("logistics", "MOVE", 7, ["emeka", "ines", "tomasz"]),
    team("identity", "ID", 8, ["noor", "samuel", "lena"]),
    team("platform", "PLAT", 7, ["ines", "aiko", "diego"]),
];

const fn team(
    name: &'static str,
    tickets: &'static str,
    opens: i64,
    members: [&'static str; 3],
) -> Team {
    Team { name, tickets, rhythm: Rhythm { opens }, members }
}

impl Team {
    /// One of its members.
    pub(super) fn member(&self, chance: &mut Chance) -> Actor {
        person(chance.pick(&self.members))
    }

    /// One of its members, but not this one.
    pub(super) fn other_than(&self, one: &Actor, chance: &mut Chance) -> Actor {
        let mut others = self.members.into_iter().filter(|member| *member != one.id);
        let skipped = chance.below(2);
        others.nth(skipped).map_or_else(|| self.member(chance), person)
    }
}

/// A person, known by the identity provider.
pub(super) fn person(id: &str) -> Actor {
    let mut name = id.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Actor { kind: ActorKind::Person, id: id.into(), name: Some(name), via: Via::Oidc }
}

/// The pipeline's own account.
pub(super) fn deploy_bot() -> Actor {
    Actor { kind: ActorKind::Service, id: "deploy-bot".into(), name: None, via: Via::Token }
}

/// The bot that keeps dependencies fresh.
pub(super) fn renovate() -> Actor {
    Actor { kind: ActorKind::Service, id: "renovate".into(), name: None, via: Via::Token }
}

/// The system that reports what it found in the clusters.
pub(super) fn argo() -> Actor {
    Actor {
        kind: ActorKind::System,
        id: "argo-cd".into(),
        name: Some("Argo CD".into()),
        via: Via::Webhook,
    }
}

/// The system that watches how releases are doing.
pub(super) fn monitor() -> Actor {
    Actor { kind: ActorKind::System, id: "uptime".into(), name: None, via: Via::Webhook }
}

/// Which outside system an actor reports from, if from one.
pub(super) fn source(actor: &Actor, reference: &str) -> Option<Source> {
    match actor.kind {
        ActorKind::Person => None,
        ActorKind::Service => {
            Some(Source { system: "ci".into(), reference: Some(reference.into()) })
        }
        ActorKind::System => Some(Source { system: actor.id.clone(), reference: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_their_own_second_pair_of_eyes() {
        let mut chance = Chance::new(3);
        for team in TEAMS {
            let one = team.member(&mut chance);
            for _ in 0..20 {
                assert_ne!(team.other_than(&one, &mut chance).id, one.id);
            }
        }
    }

    #[test]
    fn a_person_is_called_by_their_name() {
        assert_eq!(person("maria").name.as_deref(), Some("Maria"));
    }
}
