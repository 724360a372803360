// Who was there when something was rolled back, by lane: whoever put back a version that the lane had
// run before and that is older there than what it replaced, or asked for a rollback as such.

// A person or a version may be called `constructor`, which every object has.
const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

fromCategory("lane")
    .foreachStream()
    .when({
        $init: () => ({ asked: {}, ranks: {}, count: 0, last: null, people: {} }),
        DeploymentRequested(state, event) {
            const { number, release, intent } = event.data;
            const declared = intent?.kind === "rollback";
            state.asked[number] = [release.version, event.metadata.actor.id, declared];
        },
        DeploymentSucceeded(state, event) {
            const asked = state.asked[event.number];
            if (asked === undefined) return;
            delete state.asked[event.number];
            const [version, actor, declared] = asked;
            const { ranks, last } = state;
            const isBack = last !== null && last !== version && own(ranks, version) < ranks[last];
            if (declared || isBack) state.people[actor] = (own(state.people, actor) ?? 0) + 1;
            if (!Object.hasOwn(ranks, version)) ranks[version] = state.count++;
            state.last = version;
        },
        DeploymentFailed: (state, event) => { delete state.asked[event.number]; },
        DeploymentCancelled: (state, event) => { delete state.asked[event.number]; },
        DeploymentRejected: (state, event) => { delete state.asked[event.number]; },
    })
    .transformBy((state) => state.people)
    .filterBy((people) => Object.keys(people).length > 0);
