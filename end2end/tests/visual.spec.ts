// What the main screens look like, against pictures of them. Letters come from a font of the tests'
// own, and the clock stands still, so that only a change of ours changes a picture. Another Chromium
// draws letters otherwise: the pictures are of one version, and are looked at with that one alone.
//
//   npx playwright test visual --update-snapshots=all    after a change that is meant
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { Agent, expect, open, test } from "../fixtures.ts";
import { Server } from "../server.ts";

const require = createRequire(import.meta.url);
const font = (weight: number) =>
  readFileSync(require.resolve(`@fontsource/inter/files/inter-latin-${weight}-normal.woff2`)).toString("base64");
const style = [400, 600]
  .map((weight) => `@font-face { font-family: Pinned; font-weight: ${weight}; src: url(data:font/woff2;base64,${font(weight)}) }`)
  .concat("* { font-family: Pinned !important; caret-color: transparent !important }")
  // What is masked is as wide as ever, whatever stands in it.
  .concat(".id, .wave-time, time, a[href^='/batches/'], a[href^='/plan/plan_'] { display: inline-block; width: 6rem; overflow: hidden; white-space: nowrap }")
  .join("\n");
const recorded = join(dirname(fileURLToPath(import.meta.url)), "visual.spec.ts-snapshots", "chromium.txt");

test.use({ bypassCSP: true, viewport: { width: 1280, height: 900 } });
test.describe.configure({ mode: "serial" });

let server: Server;
let agent: Agent;
let plan: string;
let failed: string;

test.beforeAll(async ({ browser }, info) => {
  if (info.config.updateSnapshots === "all") writeFileSync(recorded, `${browser.version()}\n`);
  // Its own, so that it holds nothing but what is drawn.
  server = await Server.start();
  agent = new Agent(server.url);
  const file = (name: string) => ({ target_files: [name] });
  const first = await agent.submit("Checkout", 0, [
    { agent_type: "Explore", description: "Map everything that calls the checkout API", priority: 8 },
    { agent_type: "docs-writer", description: "Note what each caller expects back" },
  ]);
  await agent.submit("Checkout", 1, [
    { task_id: "events", agent_type: "backend-laravel", description: "Publish checkout events", priority: 9, ...file("app/Checkout.php") },
    { task_id: "outbox", agent_type: "supabase-backend", description: "Add an outbox table and its policies", ...file("migrations/outbox.sql") },
    { agent_type: "frontend-react", description: "Follow the events in the basket", depends_on: ["events"] },
    { agent_type: "test-engineer", description: "Cover both ways with contract tests", depends_on: ["events", "outbox"] },
  ]);
  await agent.start("Checkout", 0);
  await agent.patch(first.subtasks[0], { status: "completed", result: { summary: "Eleven callers", files: ["docs/callers.md"] } });
  await agent.patch(first.subtasks[1], { status: "failed", result: { error: "Out of turns", files: ["docs/callers.md"] } });
  failed = first.subtasks[1];
  await agent.call("POST", `/api/orchestration/batch/${first.batch}/complete`);
  await agent.submit("Search", 0, [{ agent_type: "Explore", description: "Find slow queries" }]);
  const made = await agent.call("POST", "/api/orchestration/plans", {
    task_description: "Move the checkout from REST to events",
    subtasks: [
      { agent_type: "Explore", description: "Map the callers" },
      { agent_type: "backend-laravel", description: "Publish events", depends_on: [0], target_directories: ["app/Checkout"] },
      { agent_type: "supabase-backend", description: "Add an outbox", depends_on: [0], target_files: ["app/Checkout/Outbox.php"] },
      { agent_type: "code-reviewer", description: "Review", depends_on: [1, 2] },
    ],
  });
  plan = made.plan_id;
});

test.afterAll(async () => server?.remove());

async function look(page: Page, name: string, scheme: "light" | "dark" = "light") {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.evaluate(() => document.fonts.ready);
  await expect(page).toHaveScreenshot(`${name}-${scheme}.png`, {
    // A button less is more than that.
    maxDiffPixels: 100,
    // Ids and positions of the log are new each time; so are durations.
    mask: [page.locator(".id, .badge, time, [data-volatile], a[href^='/batches/'], a[href^='/plan/plan_'], .card-time, .wave-time, [data-testid=density], [data-testid=drawer] pre")],
  });
}

// By name: where it is, whether it follows what happens, and how wide the window is.
const screens: [string, () => string, boolean, number?][] = [
  ["sessions", () => "/", true],
  ["session", () => "/sessions/Checkout", true],
  ["graph", () => "/sessions/Checkout?view=graph", true],
  ["files", () => "/sessions/Checkout?view=files", true],
  ["drawer", () => `/sessions/Checkout?subtask=${failed}`, true],
  ["live", () => "/live?kind=wave", true],
  ["plan", () => `/plan/${plan}`, false],
  ["registry", () => "/registry", false],
  ["prompt", () => "/prompt", false],
  ["phone", () => "/sessions/Checkout", true, 390],
];

for (const [name, path, live, width] of screens) {
  test(`the ${name} screen looks as it did, light and dark`, async ({ page, browser }) => {
    const version = existsSync(recorded) ? readFileSync(recorded, "utf8").trim() : "";
    // Within a major version Chromium draws alike; a test that only ran with the very same one would soon never run.
    const major = (version: string) => version.split(".")[0];
    test.skip(process.platform !== "linux" || major(version) !== major(browser.version()), `pictures are of Chromium ${version} on Linux`);
    if (width) await page.setViewportSize({ width, height: 900 });
    await page.clock.setFixedTime(Date.now() + 3 * 3_600_000);
    await open(page, server.url + path(), live);
    await page.addStyleTag({ content: style });
    await look(page, name);
    await look(page, name, "dark");
  });
}
