// Which services run something else in production than in staging, and since when.

const [BEFORE, AFTER] = ["staging", "production"];

const put = (state, event, version) => {
    if (event.environment !== BEFORE && event.environment !== AFTER) return;
    state[event.environment] = version;
    const differs = state[BEFORE] !== state[AFTER];
    if (!differs) state.since = null;
    else state.since ??= event.data.at;
};

fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ [BEFORE]: null, [AFTER]: null, since: null, asked: {} }),
        DeploymentRequested(state, event) {
            state.asked[`${event.environment} ${event.number}`] = event.data.release.version;
        },
        DeploymentSucceeded(state, event) {
            const key = `${event.environment} ${event.number}`;
            const version = state.asked[key];
            delete state.asked[key];
            if (version !== undefined) put(state, event, version);
        },
        ServiceRemoved: (state, event) => put(state, event, null),
    })
    .filterBy((state) => state.since !== null && state[BEFORE] !== null && state[AFTER] !== null)
    .transformBy((state) => ({ [BEFORE]: state[BEFORE], [AFTER]: state[AFTER], since: state.since }));
