// The ten commits that were deployed to most lanes one after the other, the widest first.

const TEN = 10;

const keep = (state) => {
    if (state.commit === null) return;
    state.widest.push({ commit: state.commit, lanes: state.lanes.length });
    // Sorting keeps the order of equals: of these, the earlier one stays.
    state.widest.sort((one, other) => other.lanes - one.lanes);
    state.widest.length = Math.min(state.widest.length, TEN);
};

fromCategory("lane")
    .when({
        $init: () => ({ commit: null, lanes: [], widest: [] }),
        DeploymentRequested(state, event) {
            const commit = event.data.release.commit ?? null;
            if (commit !== state.commit) {
                keep(state);
                state.commit = commit;
                state.lanes = [];
            }
            if (!state.lanes.includes(event.streamId)) state.lanes.push(event.streamId);
        },
    })
    .transformBy((state) => {
        keep(state);
        return state.widest;
    });
