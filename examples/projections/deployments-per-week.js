// How many deployments succeeded in each week, by team: the label `team` of the deployment.
//
// A success does not repeat what was asked for, so the team is noted until the deployment has ended.

const week = (time) => {
    const day = new Date(time);
    // ISO weeks belong to the year of their Thursday.
    day.setUTCDate(day.getUTCDate() + 3 - ((day.getUTCDay() + 6) % 7));
    const first = Date.UTC(day.getUTCFullYear(), 0, 1);
    const number = 1 + Math.floor((day - first) / (7 * 24 * 3600 * 1000));
    return `${day.getUTCFullYear()}-W${String(number).padStart(2, "0")}`;
};

const id = (event) => `${event.streamId} ${event.number}`;

// A team may be called `constructor`, which every object has.
const count = (counts, name) => {
    counts[name] = (Object.hasOwn(counts, name) ? counts[name] : 0) + 1;
};

fromCategory("lane")
    .when({
        $init: () => ({ weeks: {}, teams: {} }),
        DeploymentRequested(state, event) {
            state.teams[id(event)] = event.data.labels?.team ?? "no team";
        },
        DeploymentSucceeded(state, event) {
            const team = state.teams[id(event)];
            if (team === undefined) return;
            delete state.teams[id(event)];
            count((state.weeks[week(event.data.at)] ??= {}), team);
        },
        DeploymentFailed: (state, event) => { delete state.teams[id(event)]; },
        DeploymentCancelled: (state, event) => { delete state.teams[id(event)]; },
        DeploymentRejected: (state, event) => { delete state.teams[id(event)]; },
    })
    .transformBy((state) => state.weeks);
