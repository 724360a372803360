// A browser that says what went wrong in it.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });

/// Opens a window; `wrong` collects what its pages complain of, and each request to somewhere else.
export async function open(browser, server, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 }, timezoneId: "Europe/Paris", ...options });
  context.setDefaultTimeout(20_000);
  const wrong = [];
  context.on("page", (page) => {
    page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error}`));
    page.on("dialog", (dialog) => {
      wrong.push(`${page.url()}: a script from outside ran: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("console", (message) => {
      // What a lost connection and a refused form look like in the console is no fault of the page.
      const expected = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|net::ERR/.test(message.text());
      if (message.type() === "error" && !expected) wrong.push(`${page.url()}: ${message.text()}`);
    });
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(server.url) && !url.startsWith("data:") && !url.startsWith("blob:")) wrong.push(`${page.url()} asks ${url}`);
    });
  });
  return { context, wrong, page: await context.newPage() };
}

/// What axe finds against WCAG 2.2 AA, as lines.
export async function judge(page) {
  // The page's own policy keeps scripts out; what is evaluated by the driver it lets pass.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary.replace(/\s+/g, " ")}`).join(" | ")}`);
}

/// By how many pixels a page is wider than its window.
export const surplus = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
