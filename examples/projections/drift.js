// Which services run something else in production than in staging, and since when each has run it.

const [BEFORE, AFTER] = ["staging", "production"];

fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ asked: {}, runs: {} }),
        DeploymentRequested(state, event) {
            state.asked[`${event.environment} ${event.number}`] = event.data.release.version;
        },
        DeploymentSucceeded(state, event) {
            const key = `${event.environment} ${event.number}`;
            const version = state.asked[key];
            delete state.asked[key];
            if (version === undefined) return;
            // An environment may be called `constructor`, which every object has.
            const known = Object.hasOwn(state.runs, event.environment);
            if (known && version === state.runs[event.environment].version) return;
            state.runs[event.environment] = { version, since: event.data.at };
        },
        ServiceRemoved(state, event) {
            delete state.runs[event.environment];
        },
    })
    .filterBy(({ runs }) => runs[BEFORE] && runs[AFTER] && runs[BEFORE].version !== runs[AFTER].version)
    .transformBy(({ runs }) => ({ [BEFORE]: runs[BEFORE], [AFTER]: runs[AFTER] }));
