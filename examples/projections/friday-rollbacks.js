// Of what was deployed on a Friday (UTC), how much was rolled back by the very next deployment of its
// lane, and which.

const FRIDAY = 5;

// A version may be called `constructor`, which every object has.
const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

fromCategory("lane")
    .foreachStream()
    .when({
        $init: () => ({ asked: {}, ranks: {}, count: 0, last: null, fridays: 0, rolledBack: [] }),
        DeploymentRequested(state, event) {
            state.asked[event.number] = event.data.release.version;
        },
        DeploymentSucceeded(state, event) {
            const version = state.asked[event.number];
            if (version === undefined) return;
            delete state.asked[event.number];
            const { ranks, last } = state;
            if (last?.friday && last.version !== version && own(ranks, version) < ranks[last.version]) {
                state.rolledBack.push({ number: last.number, version: last.version });
            }
            const friday = new Date(event.data.at).getUTCDay() === FRIDAY;
            if (friday) state.fridays += 1;
            if (!Object.hasOwn(ranks, version)) ranks[version] = state.count++;
            state.last = { number: event.number, version, friday };
        },
    })
    .filterBy((state) => state.fridays > 0)
    .transformBy(({ fridays, rolledBack }) => ({ fridays, rolledBack }));
