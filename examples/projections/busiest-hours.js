// How many deployments succeeded in each hour of each weekday (UTC): seven rows from Monday on, of 24.

fromAll()
    .when({
        $init: () => ({ hours: Array.from({ length: 7 }, () => Array(24).fill(0)) }),
        DeploymentSucceeded(state, event) {
            const at = new Date(event.data.at);
            state.hours[(at.getUTCDay() + 6) % 7][at.getUTCHours()] += 1;
        },
    })
    .transformBy((state) => state.hours);
