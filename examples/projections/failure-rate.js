// Of the deployments of a service that came to an end, which share failed.

fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ succeeded: 0, failed: 0 }),
        DeploymentSucceeded: (state) => { state.succeeded += 1; },
        DeploymentFailed: (state) => { state.failed += 1; },
    })
    .transformBy(({ succeeded, failed }) => ({ succeeded, failed, rate: failed / (succeeded + failed) }));
