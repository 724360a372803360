//! Sets the scene: makes the services, the environments and the lanes of a plan.

use shiplog_domain::{
    environment::{self, Tier},
    lane::LaneId,
    names::{EnvironmentName, ServiceName},
};

use super::{
    Plan,
    cast::TEAMS,
    chance::Chance,
    releases::Scheme,
    words,
    world::{Lane, Place, Service},
};

/// The environments of a plan.
pub(super) fn places(plan: &Plan) -> Vec<Place> {
    let place = |name: &EnvironmentName| Place {
        stream: environment::stream(name),
        tier: Tier::guess(name),
        name: name.clone(),
        frozen_until: None,
    };
    plan.environments.iter().map(place).collect()
}

/// The services of a plan, the busiest first.
pub(super) fn services(plan: &Plan, chance: &mut Chance) -> Vec<Service> {
    let weights = weights(plan.services);
    let total: u64 = weights.iter().sum();
    let deployments = u64::try_from(plan.deployments).unwrap_or(u64::MAX / 1_000_000);
    let names = (0..).filter_map(|index| name(index).parse::<ServiceName>().ok());
    let mut services = Vec::with_capacity(weights.len());
    for ((index, name), weight) in names.enumerate().zip(weights) {
        let team = TEAMS.get(index % TEAMS.len()).unwrap_or(&TEAMS[0]);
        let releases = deployments * weight * 100 / (total * deployments_per_release(plan)).max(1);
        let work = team.rhythm.between(plan.begins(), plan.until);
        services.push(Service {
            name,
            team,
            scheme: Scheme::draw(index, chance),
            released: 0,
            newest: None,
            pace: work / i32::try_from(releases.max(1)).unwrap_or(i32::MAX),
            takes: chance.seconds(40, 400),
            is_told: index % 7 == 4,
            registers: index < words::SERVICES.len() && index % 6 == 2,
            is_spread: index.is_multiple_of(3),
        });
    }
    services
}

/// The lanes, service by service in the order of promotion, then those of branches.
pub(super) fn lanes(services: &[Service], places: &[Place], chance: &mut Chance) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    let lane = |service: &Service, of, place: &Place, at| {
        let id = LaneId { service: service.name.clone(), environment: place.name.clone() };
        Lane::new(&id, of, at)
    };
    for (of, service) in services.iter().enumerate() {
        for (at, place) in places.iter().enumerate().filter(|(_, one)| one.branch().is_none()) {
            // Not everything is tested anywhere but on the way.
            if place.tier == Tier::Testing && chance.comes_true(120) {
                continue;
            }
            let index = lanes.len();
            if let Some(before) = lanes.last_mut().filter(|before| before.service == of) {
                before.next = Some(index);
            }
            lanes.push(lane(service, of, place, at));
        }
    }
    for (at, place) in places.iter().enumerate().filter(|(_, one)| one.branch().is_some()) {
        let of = at * 5 % services.len().max(1);
        lanes.extend(services.get(of).map(|service| lane(service, of, place, at)));
    }
    lanes
}

/// How busy each service is: the fourth half as much as the first, none four times the average.
fn weights(services: usize) -> Vec<u64> {
    let services = services as u64;
    let weights = (1..=services).map(|nth| 100_000 / (10_000 * nth).isqrt());
    let total: u64 = weights.clone().sum();
    let most = 4 * total / services.max(1);
    weights.map(|weight| weight.min(most)).collect()
}

/// In hundredths: one, then as far as it is promoted, and some once more.
fn deployments_per_release(plan: &Plan) -> u64 {
    let places = places(plan);
    let mut reached = 106;
    let chain = places.iter().filter(|place| place.branch().is_none());
    let promoted = chain.skip(1).map(|place| {
        reached = reached * u64::from(place.promoted()) / 1_000;
        reached
    });
    106 + promoted.sum::<u64>()
}

fn name(index: usize) -> String {
    let count = words::SERVICES.len();
    let base = words::SERVICES.get(index % count).unwrap_or(&"service");
    let Some(round) = (index / count).checked_sub(1) else { return (*base).into() };
    let role = words::ROLES.get(round % words::ROLES.len()).unwrap_or(&"part");
    match round / words::ROLES.len() {
        0 => format!("{base}-{role}"),
        more => format!("{base}-{role}-{}", more + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn two_thousand_services_have_two_thousand_names() {
        let names: HashSet<_> = (0..2_000).map(name).collect();
        assert_eq!(names.len(), 2_000);
        assert!(names.contains("checkout") && names.contains("checkout-api"));
    }

    #[test]
    fn no_service_is_more_than_four_times_as_busy_as_the_average() {
        for services in [1, 36] {
            let weights = weights(services);
            let (most, total) = (weights.iter().max().unwrap(), weights.iter().sum::<u64>());
            assert!(most * services as u64 <= 4 * total, "{services}");
        }
    }
}
