// How many hours a version takes from the first environment that it is deployed to until it runs in
// production, by service: how often, the mean, and the longest.
//
// The log says in which order things became known, not in which order they happened: of two environments,
// the later one may be heard of first. So both times are kept, and compared when the result is made.

const PRODUCTION = "production";
const HOUR = 3600 * 1000;

fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ asked: {}, first: {}, reached: {} }),
        DeploymentRequested(state, event) {
            const { number, at, release } = event.data;
            const { version } = release;
            const known = Object.hasOwn(state.first, version);
            if (!known || at < state.first[version]) state.first[version] = at;
            if (event.environment === PRODUCTION) state.asked[number] = version;
        },
        DeploymentSucceeded(state, event) {
            if (event.environment !== PRODUCTION) return;
            const version = state.asked[event.number];
            delete state.asked[event.number];
            if (version === undefined || Object.hasOwn(state.reached, version)) return;
            state.reached[version] = event.data.at;
        },
    })
    .transformBy((state) => Object.keys(state.reached).map((version) => ({
        version,
        hours: (new Date(state.reached[version]) - new Date(state.first[version])) / HOUR,
    })))
    .filterBy((times) => times.length > 0)
    .transformBy((times) => ({
        count: times.length,
        mean: times.reduce((sum, { hours }) => sum + hours, 0) / times.length,
        longest: times.reduce((one, other) => (other.hours > one.hours ? other : one)),
    }));
