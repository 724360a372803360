// What people do with the pages, from the first visit on.
import assert from "node:assert/strict";
import { launch, open, judge, surplus } from "./browser.mjs";
import { fresh, serve } from "./server.mjs";

const browser = await launch();
let passed = 0;
let failed = 0;

async function test(name, server, walk, options = {}) {
  const began = Date.now();
  const window = await open(browser, server, options);
  try {
    await walk(window);
    assert.deepEqual(window.wrong, []);
    passed += 1;
    console.log(`ok      ${name} (${Date.now() - began} ms)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.stack ?? error}`);
  }
  await window.context.close();
}

const at = (page, text) => page.getByText(text, { exact: false }).first().waitFor();
const live = (page) => page.locator('#pulse[data-word="live"]').waitFor();

const empty = await serve(fresh());
await test("an empty Shiplog shows the command that records the first deployment, and then that deployment", empty, async ({ page }) => {
  await page.goto("/");
  await at(page, "Nothing is recorded yet");
  const command = await page.locator("pre.command").first().textContent();
  assert.ok(command.includes(empty.url), command);
  await live(page);
  const [, ...words] = command.trim().split(/\s+/);
  await empty.cli(...words.filter((word, index) => word !== "--server" && words[index - 1] !== "--server"));
  await page.locator(".board a.version", { hasText: "1.4.2" }).waitFor();
});
await empty.end();

const demo = await serve(fresh(), { demo: true });
const board = await demo.send("GET", "/v1/environments/production");
const lane = "/lanes/checkout/production";
const paths = ["/", "/?at=2026-01-01", "/history", "/history?status=failed", "/rollbacks", "/releases", "/releases/checkout", "/environments", "/log", "/projections", lane, `${lane}/1`, `${lane}/rollback`, "/nowhere"];
const failures = await demo.send("GET", "/v1/deployments?status=failed&environment=production&limit=1");
const failure = failures.items[0];
paths.push(`/lanes/${failure.service}/production/${failure.number}`, `/lanes/${failure.service}/production/${failure.number}/recovery`, `/lanes/${failure.service}/production/retry?of=${failure.number}`, `${lane}/2/changes?against=1`);

await demo.send("PUT", "/v1/projections/by-service", {
  language: "javascript",
  source: 'fromCategory("lane").partitionBy((e) => e.service).when({ DeploymentSucceeded(s) { s.n = (s.n ?? 0) + 1; } })',
});
await demo.send("PUT", "/v1/projections/broken", { language: "javascript", source: "fromAll().when({ $any(s, e) { e.no.such; } })" });
await demo.send("PUT", "/v1/projections/failed", { language: "sql", source: "SELECT service FROM deployments WHERE status = 'failed'" });
paths.push("/projections/-", "/projections/by-service", "/projections/broken", "/projections/failed");

await test("the demonstration's history is on the board, with relative times that say the absolute one", demo, async ({ page }) => {
  await page.goto("/");
  assert.equal(await page.locator(".board tbody tr[data-key]").count() >= board.lanes.length, true);
  const time = page.locator(".board time").first();
  await time.hover();
  assert.match(await time.getAttribute("title"), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Europe\/Paris$/);
  await page.getByLabel("Time zone").selectOption("UTC");
  await at(page, "Times are in UTC.");
  assert.match(await time.getAttribute("title"), / UTC$/, "where the pointer rests, too");
  await page.mouse.move(0, 0);
  await page.reload();
  await at(page, "Times are in UTC.");
  await time.hover();
  assert.match(await time.getAttribute("title"), / UTC$/, "the zone is remembered");
});

await test("a deployment is followed live while another process reports it", demo, async ({ page }) => {
  await page.goto(lane);
  await live(page);
  await page.evaluate(() => (window.same = true));
  await demo.cli("deploy", "checkout", "production", "99.0.0", "--status", "started");
  await page.locator(".head", { hasText: "99.0.0 is running" }).waitFor();
  await demo.cli("succeed", "checkout", "production");
  await page.locator(".lede", { hasText: "99.0.0 runs since" }).waitFor();
  assert.equal(await page.evaluate(() => window.same), true, "without loading the page again");
});

await test("a list offers what is new, and moves when it is told to", demo, async ({ page }) => {
  await page.goto("/history?service=checkout");
  await live(page);
  await demo.report("search", "staging", "99.0.0");
  await demo.report("checkout", "staging", "99.0.1");
  await page.getByRole("button", { name: "1 new: show" }).click();
  await page.locator("tr[data-item] a", { hasText: "checkout 99.0.1" }).waitFor();
});

await test("a page that is paused stays as it is until it is resumed", demo, async ({ page }) => {
  await page.goto(lane);
  await live(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await at(page, "paused");
  await demo.report("checkout", "production", "99.0.2");
  await page.waitForFunction(async () => (await (await fetch(location.href)).text()).includes("99.0.2"));
  assert.equal(await page.locator(".lede", { hasText: "99.0.2" }).count(), 0);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.locator(".lede", { hasText: "99.0.2" }).waitFor();
});

await test("eight tabs are live at once", demo, async ({ context, page }) => {
  const tabs = [page];
  for (let more = 0; more < 7; more += 1) tabs.push(await context.newPage());
  for (const tab of tabs) await tab.goto("/");
  for (const tab of tabs) await live(tab);
});

await test("the slider goes back in time and the address says so", demo, async ({ page, context }) => {
  await page.goto("/?service=checkout");
  await page.getByLabel("Time", { exact: true }).selectOption({ label: "the last 30 days" });
  const slider = page.getByLabel("The instant that the board shows");
  await slider.focus();
  await page.keyboard.press("Home");
  await page.waitForURL(/at=/);
  await at(page, "this is what was, not what is");
  const then = await page.locator(".board").textContent();
  const other = await context.newPage();
  await other.goto(page.url());
  assert.equal(await other.locator(".board a.version").first().textContent(), await page.locator(".board a.version").first().textContent());
  assert.ok(!then.includes("99.0.2"));
  await page.getByRole("link", { name: "Back to now" }).click();
  await page.locator(".board", { hasText: "99.0.2" }).waitFor();
});

await test("the board counts how far behind a lane is, now and at the slider's instant", demo, async ({ page }) => {
  const hour = (ago) => new Date(Date.now() - ago * 3_600_000).toISOString();
  await demo.report("buoy", "staging", "1.0.0", { at: hour(9) });
  await demo.report("buoy", "production", "1.0.0", { at: hour(8) });
  await demo.report("buoy", "staging", "1.1.0", { at: hour(3) });
  await demo.report("buoy", "staging", "1.2.0", { at: hour(2) });
  await page.goto("/?service=buoy");
  await page.locator(".board .note", { hasText: "2 behind staging (1.2.0)" }).waitFor();
  await live(page);
  await demo.report("buoy", "staging", "1.3.0");
  await page.locator(".board .note", { hasText: "3 behind staging (1.3.0)" }).waitFor();
  await page.goto(`/?service=buoy&at=${hour(5)}`);
  await page.locator(".board .version").first().waitFor();
  assert.equal(await page.locator(".board .note").count(), 0, "both ran 1.0.0 then");
});

await test("the board is filtered by the team of what runs, which live updates respect", demo, async ({ page }) => {
  await page.goto("/");
  const offered = await page.locator("#labels option").evaluateAll((all) => all.map(({ value }) => value));
  const team = offered.find((label) => label.startsWith("team="));
  const all = await page.locator(".board tbody tr[data-key]").count();
  await page.getByLabel("Label", { exact: true }).fill(team);
  await page.waitForURL(/label=team/);
  await page.locator(".kicker", { hasText: ` of ${all} services` }).waitFor();
  const shown = await page.locator(".board tbody tr[data-key]").count();
  assert.ok(shown > 0 && shown < all, `${shown} of ${all}`);
  await live(page);
  await demo.report("driftwood", "production", "1.0.0", { labels: { team: "nobody" } });
  await demo.report("flotsam", "production", "1.0.0", { labels: { [team.split("=")[0]]: team.split("=")[1] } });
  await page.locator('.board tr[data-key="flotsam"]').waitFor();
  assert.equal(await page.locator('.board tr[data-key="driftwood"]').count(), 0);
  await page.getByLabel("The instant that the board shows").focus();
  await page.keyboard.press("Home");
  await page.waitForURL(/label=team.*at=/);
  await page.getByRole("link", { name: `Remove the filter label: ${team}` }).click();
  await page.waitForURL((url) => !url.search.includes("label") && url.search.includes("at="));
});

await test("the slider plays", demo, async ({ page }) => {
  await page.goto("/?service=checkout");
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForURL(/at=/);
  const first = page.url();
  await page.waitForURL((url) => url.href !== first && url.search.includes("at="));
  await page.locator("#slider button").click();
  assert.equal(await page.locator("#slider button").textContent(), "▶ Play");
});

await test("a rollback is confirmed on facts and recorded, by keyboard alone", demo, async ({ page }) => {
  await demo.report("wharf", "production", "1.0.0");
  await demo.report("wharf", "production", "1.1.0", { release: { version: "1.1.0", changes: [{ kind: "migration", id: "0042", reversible: false }] } });
  await page.goto("/lanes/wharf/production");
  await page.getByRole("link", { name: "Roll back…" }).focus();
  await page.keyboard.press("Enter");
  await at(page, "0042, in 1.1.0");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Cancel");
  await page.getByLabel("Reason").focus();
  await page.keyboard.type("it loses orders");
  await page.keyboard.press("Tab");
  await page.keyboard.type("ann");
  await page.keyboard.press("Tab");
  await page.keyboard.type("production");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Roll back wharf in production to 1.0.0");
  await page.keyboard.press("Enter");
  await page.waitForURL("/lanes/wharf/production/3");
  await at(page, "it loses orders");
  await page.goto("/lanes/wharf/production/rollback");
  assert.equal(await page.getByLabel("Who you are").inputValue(), "ann", "who acts is remembered");
});

await test("a deployment that failed leads to its three ways out, and one of them is taken", demo, async ({ page }) => {
  await demo.report("pier", "staging", "1.0.0");
  await demo.report("pier", "staging", "1.1.0", { status: "failed", error: "lock timeout" });
  await page.goto("/lanes/pier/staging");
  await page.getByRole("link", { name: "recovery options" }).click();
  for (const way of ["Roll back", "Roll forward", "Roll over"]) await page.getByRole("heading", { name: way, exact: true }).waitFor();
  await page.getByRole("link", { name: "Try again…" }).click();
  await page.getByLabel("Reason").fill("the lock is gone");
  await page.getByLabel("Who you are").fill("ann");
  await page.getByRole("button", { name: "Try pier 1.1.0 in staging again" }).click();
  await page.waitForURL("/lanes/pier/staging/3");
  await at(page, "the lock is gone");
});

await test("when another was faster, the confirmation says what is now, and keeps what was typed", demo, async ({ page }) => {
  await demo.report("dock", "production", "1.0.0");
  await demo.report("dock", "production", "1.1.0");
  await page.goto("/lanes/dock/production/rollback");
  await page.getByLabel("Reason").fill("it loses orders");
  await page.getByLabel("Who you are").fill("ann");
  await page.getByLabel("Type the environment’s name").fill("production");
  await demo.cli("rollback", "dock", "production", "--reason", "faster");
  await demo.cli("succeed", "dock", "production");
  await page.getByRole("button", { name: /^Roll back dock/ }).click();
  await at(page, "The lane has changed meanwhile");
  await demo.report("dock", "production", "1.2.0");
  await page.goto("/lanes/dock/production/rollback");
  await page.getByLabel("Reason").fill("it loses orders");
  await page.getByLabel("Who you are").fill("ann");
  await page.getByLabel("Type the environment’s name").fill("production");
  await demo.report("dock", "production", "1.3.0");
  await page.getByRole("button", { name: /^Roll back dock/ }).click();
  await at(page, "The lane has changed meanwhile");
  await at(page, "#5 1.3.0");
  assert.equal(await page.getByLabel("Reason").inputValue(), "it loses orders");
  await page.getByRole("button", { name: /^Roll back dock/ }).click();
  await page.waitForURL("/lanes/dock/production/6");
});

await test("a rollback is confirmed in a dialog that holds the focus and gives it back", demo, async ({ page }) => {
  await demo.report("jetty", "production", "1.0.0");
  await demo.report("jetty", "production", "1.1.0");
  await page.goto("/lanes/jetty/production");
  const opener = page.getByRole("link", { name: "Roll back…" });
  await opener.focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Roll back jetty in production" });
  await dialog.getByText("1.0.0 #1 again").waitFor();
  assert.ok(page.url().endsWith("/lanes/jetty/production"), "the page stays");
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  assert.equal(await focused(), "Cancel");
  assert.deepEqual(await judge(page), []);
  const seen = new Set();
  for (let stop = 0; stop < 16; stop += 1) {
    await page.keyboard.press(stop < 8 ? "Tab" : "Shift+Tab");
    assert.equal(await page.evaluate(() => document.querySelector("dialog").contains(document.activeElement)), true, "the focus stays");
    seen.add(await focused());
  }
  assert.ok(seen.has("Cancel") && seen.has("Roll back jetty in production to 1.0.0"), [...seen].join());
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await focused(), "Roll back…");
  await page.keyboard.press("Enter");
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  assert.equal(await focused(), "Roll back…");
  assert.equal((await demo.send("GET", "/v1/lanes/jetty/production")).version, 3, "nothing was recorded");
});

await test("the dialog says what is wrong and what has changed, and leads to what it has recorded", demo, async ({ page }) => {
  await demo.report("mole", "production", "1.0.0");
  await demo.report("mole", "production", "1.1.0");
  await page.goto("/lanes/mole/production/2");
  await page.getByRole("link", { name: "Roll back to this…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("This cannot be done").waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.goto("/lanes/mole/production");
  await live(page);
  await page.getByRole("link", { name: "Roll back…" }).click();
  await dialog.getByLabel("Reason").fill("it loses orders");
  await dialog.getByLabel("Who you are").fill("ann");
  await dialog.getByLabel("Type the environment’s name").fill("staging");
  await dialog.getByRole("button", { name: /^Roll back mole/ }).click();
  await dialog.getByText("type `production`, its name").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "confirm");
  await dialog.getByLabel("Type the environment’s name").fill("production");
  await demo.report("mole", "production", "1.2.0");
  await dialog.getByRole("button", { name: "Roll back mole in production to 1.0.0" }).click();
  await dialog.getByText("The lane has changed meanwhile").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "moved", "what has changed is told first");
  await dialog.getByText("#3 1.2.0").waitFor();
  assert.deepEqual(await judge(page), []);
  assert.equal(await dialog.getByLabel("Reason").inputValue(), "it loses orders");
  await dialog.getByLabel("Go back to").selectOption({ label: "1.1.0 (#2)" });
  await dialog.getByRole("button", { name: "Show what that would do" }).click();
  await dialog.getByRole("button", { name: "Roll back mole in production to 1.1.0" }).waitFor();
  assert.equal(await dialog.getByLabel("Reason").inputValue(), "it loses orders", "what was typed stays");
  await dialog.getByRole("button", { name: /^Roll back mole/ }).click();
  await page.waitForURL("/lanes/mole/production/4");
  await at(page, "it loses orders");
});

await test("the end of a failed script's output is on its page and on that of the ways out", demo, async ({ page, context }) => {
  await demo.cli("run", "--service", "crane", "--environment", "staging", "--version", "2.0.0", "--server", demo.url, "--", "sh", "-c", "echo migrating; printf '\\033[31mlock timeout\\033[0m\\n' >&2; exit 3").catch(({ code }) => assert.equal(code, 3));
  await page.goto("/lanes/crane/staging/1");
  const output = page.getByRole("region", { name: "The end of its output" });
  await output.getByText("lock timeout").waitFor();
  assert.deepEqual((await output.textContent()).split("\n").sort(), ["lock timeout", "migrating"]);
  await page.locator(".note.bad", { hasText: "exit code 3 after" }).waitFor();
  assert.deepEqual(await judge(page), []);
  await page.getByRole("link", { name: "Recovery options" }).click();
  await output.getByText("lock timeout").waitFor();
  const other = await context.newPage();
  await other.goto("/history?service=crane");
  await other.locator(".why", { hasText: "exit code 3 after" }).waitFor();
  assert.equal(await other.getByText("lock timeout").count(), 0, "a list has the line alone");
});

await test("a search shows as one types and is shared by its address", demo, async ({ page, context }) => {
  await page.goto("/history");
  await page.locator("#q").pressSequentially("loses orders");
  await page.waitForURL(/q=loses/);
  await page.locator("tr[data-item]", { hasText: "it loses orders" }).first().waitFor();
  const shown = await page.locator("tr[data-item]").count();
  const other = await context.newPage();
  await other.goto(page.url());
  assert.equal(await other.locator("tr[data-item]").count(), shown);
  await other.locator("#q").fill("nothingislikethis");
  await at(other, "No deployment is like that");
  await other.getByRole("link", { name: "Remove the filter nothingislikethis" }).click();
  await other.waitForURL("/history");
});

await test("a search that is half typed is told so gently, and what is shown stays", demo, async ({ page }) => {
  await page.goto("/history");
  await page.locator("#q").fill("env:production is:rollback");
  await page.waitForURL(/q=env%3Aproduction/);
  await page.getByRole("link", { name: "Remove the filter is:rollback" }).waitFor();
  const shown = await page.locator("tr[data-item]").count();
  assert.ok(shown > 0);
  const address = page.url();
  const field = page.locator("#q");
  await field.press("End");
  await field.pressSequentially(" status:");
  await at(page, "character 35: `status:` needs a value");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator("tr[data-item]").count(), shown);
  assert.equal(page.url(), address);
  await field.pressSequentially("succeeded");
  await page.waitForURL(/status%3Asucceeded/);
  await page.locator("#q:not([aria-invalid])").waitFor();
  await page.locator("#q-wrong:empty").waitFor({ state: "attached" });
  await field.fill("srevice:checkout");
  await at(page, "did you mean `service`?");
  await page.getByRole("button", { name: "Show" }).click();
  await at(page, "Nothing is shown, because the search cannot be read.");
  assert.deepEqual(await judge(page), []);
  assert.equal(await field.inputValue(), "srevice:checkout");
  await page.getByText("What a search can ask").click();
  await page.getByRole("rowheader", { name: "duration:>5m" }).waitFor();
});

await test("two that are chosen in a list are compared, and the other way round", demo, async ({ page }) => {
  await page.goto("/history?q=service:checkout+env:production,staging");
  const boxes = page.getByRole("checkbox", { name: /^Compare checkout/ });
  await boxes.nth(0).check();
  await boxes.nth(2).check();
  await page.getByRole("button", { name: "Compare" }).click();
  await page.waitForURL(/\/lanes\/checkout\/.*\/changes\?against=/);
  await at(page, "before the other");
  assert.deepEqual(await judge(page), []);
  await page.getByRole("link", { name: "The other way round" }).click();
  await at(page, "after the other");
});

await test("a projection is written, tried, mended, kept and dropped", demo, async ({ page }) => {
  await page.goto("/projections");
  await page.getByRole("link", { name: "Write one" }).click();
  await page.waitForURL("/projections/-");
  await page.getByLabel("Script").fill("fromAll().when({\n  $any(state, event) {\n    state.n = event.no.such;\n  },\n})");
  await page.getByRole("button", { name: "Try it" }).click();
  await at(page, "It failed: event 1, line 3: TypeError");
  await page.getByLabel("Script").fill('fromAll().when({ $any(state) { state.n = (state.n ?? 0) + 1; console.log("seen"); } })');
  await page.getByRole("button", { name: "Try it" }).click();
  await at(page, "It came to the end, and nothing was kept.");
  await at(page, '"n": ');
  await at(page, "What it logged");
  await page.getByLabel("Name", { exact: true }).fill("written-here");
  await page.getByLabel("Who you are").fill("ann");
  await page.getByRole("button", { name: "Define it" }).click();
  await page.waitForURL("/projections/written-here");
  await page.locator(".lede", { hasText: "live" }).waitFor();
  await at(page, '"n": ');
  await page.goto("/projections");
  await page.getByText("Rebuild one").click();
  await page.getByLabel("Projection", { exact: true }).selectOption("written-here");
  await page.getByRole("button", { name: "Rebuild it" }).click();
  await page.locator("tr", { hasText: "written-here" }).getByText("rebuilt, the same as before").waitFor();
  await page.goto("/projections/written-here");
  await page.getByText("Pause, resume or drop it").click();
  await page.getByRole("button", { name: "Drop written-here" }).click();
  await page.waitForURL("/projections");
  assert.equal(await page.getByRole("link", { name: "written-here" }).count(), 0);
});

await test("the keys lead everywhere, and can be switched off", demo, async ({ page }) => {
  await page.goto("/projections");
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await page.waitForURL("/");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  assert.equal(await page.locator("tr[data-current]").count(), 1);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");
  await page.keyboard.type("checkout");
  await page.keyboard.press("Enter");
  await page.waitForURL("/history?q=checkout");
  await page.locator("h1").click();
  await page.keyboard.press("?");
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  await dialog.getByRole("checkbox").uncheck();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  assert.ok(page.url().endsWith("/history?q=checkout"));
  await page.goto("/");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
});

await test("without scripts everything is read, filtered and rolled back", demo, async ({ page }) => {
  await demo.report("quay", "production", "1.0.0");
  await demo.report("quay", "production", "1.1.0");
  await page.goto("/");
  await page.locator('input[name="service"]').fill("quay");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/service=quay/);
  await at(page, "1 of ");
  assert.match(await page.locator(".board time").first().textContent(), /^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
  await page.locator(".board a.version").first().click();
  await page.getByRole("link", { name: "Roll back…" }).click();
  await page.getByLabel("Reason").fill("by hand");
  await page.getByLabel("Who you are").fill("ann");
  await page.getByLabel("Type the environment’s name").fill("production");
  await page.getByRole("button", { name: /^Roll back quay/ }).click();
  await page.waitForURL("/lanes/quay/production/3");
  await page.getByLabel("Colours").selectOption("dark");
  await page.getByRole("button", { name: "Set" }).click();
  assert.equal(await page.locator('html[data-theme="dark"]').count(), 1);
}, { javaScriptEnabled: false });

const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;
await test("hostile names are text on every page", demo, async ({ page }) => {
  await demo.send("POST", "/v1/deployments", {
    service: evil, environment: evil, status: "failed", error: evil, reason: evil, labels: { [evil]: evil }, external_id: evil,
    url: "javascript:alert(3)", actor: { id: evil, name: evil },
    release: { version: evil, commit: evil, notes: evil, artifacts: [{ name: evil, digest: evil }], changes: [{ kind: evil, id: evil, description: evil, url: "javascript:alert(4)" }] },
  });
  const name = encodeURIComponent(evil);
  for (const path of ["/", "/history", `/history?service=${name}`, "/log", "/environments", "/releases", `/releases/${name}`, `/lanes/${name}/${name}`, `/lanes/${name}/${name}/1`, `/lanes/${name}/${name}/rollback`]) {
    await page.goto(path);
    await page.locator("h1").waitFor();
    assert.equal(await page.locator('img, main script, a[href^="javascript"]').count(), 0, path);
  }
});

for (const width of [1280, 390, 320]) {
  await test(`no page is wider than ${width} pixels`, demo, async ({ page }) => {
    for (const path of paths) {
      await page.goto(path);
      assert.equal(await surplus(page), 0, path);
    }
  }, { viewport: { width, height: 800 } });
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [1280, 320]) {
    await test(`axe finds nothing, ${colorScheme}, ${width} pixels wide`, demo, async ({ page }) => {
      for (const path of paths) {
        await page.goto(path);
        assert.deepEqual(await judge(page), [], path);
      }
    }, { viewport: { width, height: 900 }, colorScheme });
  }
}

await test("a page whose connection is lost says so, and mends itself", demo, async ({ page }) => {
  await page.goto(lane);
  await live(page);
  await demo.end();
  await page.locator("#lost", { hasText: "The connection to the server is lost since" }).waitFor();
  await at(page, "reconnecting");
  const again = await serve(demo.data, { listen: demo.address });
  await live(page);
  await page.locator("#lost").waitFor({ state: "hidden" });
  await again.report("checkout", "production", "99.1.0");
  await page.locator(".lede", { hasText: "99.1.0 runs since" }).waitFor();
  await again.end();
});

const large = await serve(fresh());
await test("a board of 300 services in five environments is light", large, async ({ page }) => {
  const lines = [];
  for (let service = 0; service < 300; service += 1) {
    for (const environment of ["production", "staging", "testing", "qa", "development"]) {
      lines.push(JSON.stringify({ service: `service-${service}`, environment, release: { version: `1.${service}.0` }, status: "succeeded", actor: "service:ci", at: "2026-03-02T10:00:00Z" }));
    }
  }
  await fetch(`${large.url}/v1/deployments:batch`, { method: "POST", headers: { "Content-Type": "application/jsonl" }, body: lines.join("\n") });
  await page.goto("/?limit=300");
  // The page was asked for while the read model was folding; it mends itself when that has come so far.
  await page.locator(".board tbody tr[data-key]").nth(299).waitFor();
  const loads = [];
  for (let load = 0; load < 5; load += 1) {
    await page.reload();
    loads.push(await page.evaluate(async () => {
      const painted = await new Promise((tell) => {
        new PerformanceObserver((list) => {
          for (const { startTime } of list.getEntriesByName("first-contentful-paint")) tell(startTime);
        }).observe({ type: "paint", buffered: true });
      });
      const { transferSize, requestStart, responseStart, responseEnd } = performance.getEntriesByType("navigation")[0];
      return { transferSize, server: responseStart - requestStart, painted: painted - responseEnd };
    }));
  }
  const median = (what) => Math.round(loads.map((load) => load[what]).sort((one, other) => one - other)[2]);
  assert.equal(await page.locator(".board tbody tr[data-key]").count(), 300);
  assert.ok(median("transferSize") < 150_000, JSON.stringify(loads));
  console.log(`        ${median("transferSize")} bytes; the server took ${median("server")} ms, the browser ${median("painted")} ms to show it`);
});
await test("nothing moves while the board comes up", large, async ({ page }) => {
  await page.addInitScript(() => {
    window.moved = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.moved += entry.value; })).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto("/");
  await page.locator("#slider:visible").waitFor();
  await live(page);
  // What is left: times that are shorter as the viewer's than as the server's.
  const moved = await page.evaluate(() => new Promise((then) => { requestAnimationFrame(() => setTimeout(() => then(window.moved))); }));
  assert.ok(moved < 0.02, `${moved}`);
});
await large.end();

const wide = await serve(fresh());
for (const [many, fits] of [[12, true], [20, false]]) {
  await test(`${many} environments stand side by side, and none reaches into the next`, wide, async ({ page }) => {
    for (let nth = 0; nth < many; nth += 1) await wide.report("checkout", `production-${nth}`, "5.113.3");
    await page.goto("/");
    await page.locator(".board thead th").nth(many).waitFor();
    const { over, width } = await page.evaluate(() => ({
      over: [...document.querySelectorAll(".board td, .board thead th")].filter((cell) => cell.scrollWidth > cell.clientWidth).length,
      width: document.documentElement.scrollWidth,
    }));
    assert.equal(over, 0);
    assert.equal(width <= 1280, fits, `${width}`);
  });
}
await wide.end();

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
