// The commits that were deployed to ten lanes or more, and to how many.

const MANY = 10;

fromCategory("lane")
    .partitionBy((event) => event.data.release?.commit)
    .when({
        $init: () => ({ lanes: [] }),
        DeploymentRequested(state, event) {
            if (!state.lanes.includes(event.streamId)) state.lanes.push(event.streamId);
        },
    })
    .transformBy(({ lanes }) => lanes.length)
    .filterBy((lanes) => lanes >= MANY);
