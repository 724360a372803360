// How many minutes pass in a lane from a failure until the next success: how often, and the mean. A
// failure that nothing has followed yet is told as open, not left out.

fromCategory("lane")
    .foreachStream()
    .when({
        $init: () => ({ open: null, count: 0, minutes: 0 }),
        DeploymentFailed(state, event) {
            state.open ??= event.data.at;
        },
        DeploymentSucceeded(state, event) {
            if (state.open === null) return;
            state.count += 1;
            state.minutes += (new Date(event.data.at) - new Date(state.open)) / 60000;
            state.open = null;
        },
    })
    .filterBy((state) => state.count > 0 || state.open !== null)
    .transformBy(({ open, count, minutes }) =>
        ({ count, mean: count > 0 ? minutes / count : null, openSince: open }));
