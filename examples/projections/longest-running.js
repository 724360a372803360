// Which version ran longest without a break, by lane, and for how many days; what runs now counts up
// to when it was replaced, so a lane that was never replaced has none.

const DAY = 24 * 3600 * 1000;

const close = (state, at) => {
    if (state.running === null) return;
    const { version, since } = state.running;
    const days = (new Date(at) - new Date(since)) / DAY;
    if (state.longest === null || days > state.longest.days) state.longest = { version, since, days };
};

fromCategory("lane")
    .foreachStream()
    .when({
        $init: () => ({ asked: {}, running: null, longest: null }),
        DeploymentRequested(state, event) {
            state.asked[event.number] = event.data.release.version;
        },
        DeploymentSucceeded(state, event) {
            const version = state.asked[event.number];
            delete state.asked[event.number];
            if (version === undefined || version === state.running?.version) return;
            close(state, event.data.at);
            state.running = { version, since: event.data.at };
        },
        ServiceRemoved(state, event) {
            close(state, event.data.at);
            state.running = null;
        },
    })
    .transformBy((state) => state.longest);
