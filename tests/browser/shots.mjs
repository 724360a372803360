// Pictures of the pages, light and dark, for a desk and for a pocket.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch, open } from "./browser.mjs";
import { fresh, serve } from "./server.mjs";

const [, , folder] = process.argv;
const browser = await launch();
const demo = await serve(fresh(), { demo: true });
const rollbacks = await demo.send("GET", "/v1/rollbacks?environment=production&limit=1");
const back = rollbacks.items[0];
const failures = await demo.send("GET", "/v1/deployments?status=failed&environment=production&limit=1");
const failure = failures.items[0];
const lane = ({ service }) => `/lanes/${encodeURIComponent(service)}/production`;
await demo.send("PUT", "/v1/projections/deployments-by-service", {
  language: "javascript",
  source: `fromCategory("lane")
    .partitionBy((event) => event.service)
    .when({
        $init: () => ({ succeeded: 0, failed: 0 }),
        DeploymentSucceeded: (state) => { state.succeeded += 1; },
        DeploymentFailed: (state) => { state.failed += 1; },
    });
`,
});
const empty = await serve(fresh());
const pages = {
  board: "/",
  "board-then": `/?at=${back.requested_at}`,
  "board-empty": "/",
  lane: lane(back),
  deployment: `${lane(failure)}/${failure.number}`,
  recovery: `${lane(failure)}/${failure.number}/recovery`,
  rollback: `${lane(failure)}/rollback`,
  "rollback-dialog": lane(failure),
  history: "/history",
  "history-nothing": "/history?q=nothing-is-like-this&status=failed",
  rollbacks: "/rollbacks",
  releases: "/releases/checkout",
  environments: "/environments",
  log: "/log",
  projections: "/projections",
  projection: "/projections/deployments-by-service",
  write: "/projections/-",
  "not-found": "/lanes/checkout/nowhere",
  problem: "/?servcie=checkout",
};
/// What is done on a page before its picture is taken.
const before = {
  "rollback-dialog": async (page) => {
    await page.getByRole("link", { name: "Roll back…" }).click();
    await page.getByRole("dialog").waitFor();
  },
};

/// PNG made WebP by the browser itself: a third of the bytes.
async function smaller(page, png) {
  const url = await page.evaluate(async (data) => {
    const picture = await createImageBitmap(await (await fetch(data)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.82 });
    return new Promise((done) => Object.assign(new FileReader(), { onload: ({ target }) => done(target.result) }).readAsDataURL(blob));
  }, `data:image/png;base64,${png.toString("base64")}`);
  return Buffer.from(url.split(",")[1], "base64");
}

const converter = await (await browser.newContext()).newPage();
for (const colorScheme of ["light", "dark"]) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    const { page } = await open(browser, demo, { colorScheme, viewport: { width, height } });
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(name === "board-empty" ? empty.url : path);
      await page.waitForFunction(() => document.body.dataset.scope === "" || document.querySelector('#pulse[data-word="live"]'));
      await before[name]?.(page);
      writeFileSync(join(folder, `${name}-${colorScheme}-${width}.webp`), await smaller(converter, await page.screenshot()));
    }
  }
}
await browser.close();
await empty.end();
await demo.end();
