// How many deployments of each service succeeded, and when the last one did.
fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ succeeded: 0, last: null }),
        DeploymentSucceeded(state, event) {
            state.succeeded += 1;
            state.last = event.data.at;
        },
    });
