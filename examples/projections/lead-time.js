// How many hours a version takes from the first environment that it is deployed to until it runs in
// production, by service: how often, the mean, and the longest.

const PRODUCTION = "production";
const HOUR = 3600 * 1000;

fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ asked: {}, first: {}, count: 0, hours: 0, longest: null }),
        DeploymentRequested(state, event) {
            const { number, at, release } = event.data;
            const { version } = release;
            if (!Object.hasOwn(state.first, version)) state.first[version] = at;
            if (event.environment === PRODUCTION) state.asked[number] = version;
        },
        DeploymentSucceeded(state, event) {
            if (event.environment !== PRODUCTION) return;
            const version = state.asked[event.number];
            delete state.asked[event.number];
            // Null once it has been counted: what comes later is a repetition.
            const first = state.first[version];
            if (version === undefined || first === null) return;
            state.first[version] = null;
            const hours = (new Date(event.data.at) - new Date(first)) / HOUR;
            state.count += 1;
            state.hours += hours;
            if (state.longest === null || hours > state.longest.hours) {
                state.longest = { version, hours };
            }
        },
    })
    .filterBy((state) => state.count > 0)
    .transformBy(({ count, hours, longest }) => ({ count, mean: hours / count, longest }));
