// A session's views over one address: graph, timeline, files, the queue and the drawer.
import { execFileSync } from "node:child_process";
import { accessible, expect, fits, open, pair, test, type Agent } from "../fixtures.ts";

const chain = [
  { task_id: "map", agent_type: "Explore", description: "Map the modules", priority: 9 },
  { task_id: "api", agent_type: "backend-laravel", description: "Create the endpoints", priority: 8, blocked_by: ["map"] },
  { task_id: "ui", agent_type: "frontend-react", description: "Build the form", priority: 7, blocked_by: ["api"] },
  { task_id: "docs", agent_type: "docs-writer", description: "Describe the endpoints", priority: 3, blocked_by: ["map"] },
];

async function edit(agent: Agent, subtask: string, file: string) {
  await agent.call("POST", "/api/actions", {
    subtask_id: subtask, tool_name: "Edit", tool_type: "edit", file_paths: [file], exit_code: 0, duration_ms: 12,
  });
}

test("the graph shows cards in dependency order, and a status changes a card without moving any", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}?view=graph`);
  const card = (id: string) => page.locator(`[data-card="${id}"]`);
  await expect(page.getByTestId("card")).toHaveCount(4);
  const places = () => Promise.all(subtasks.map(async (id) => (await card(id).boundingBox())!));
  const before = await places();
  expect(before[0].x).toBeLessThan(before[1].x);
  expect(before[1].x).toBeLessThan(before[2].x);
  expect(before[3].x).toBe(before[1].x);

  await agent.patch(subtasks[0], { status: "running", agent_id: "agent-1" });
  await edit(agent, subtasks[0], "src/map.rs");
  await expect(card(subtasks[0])).toHaveAttribute("data-status", "running");
  await expect(card(subtasks[0])).toContainText("Edit");
  await agent.patch(subtasks[0], { status: "completed" });
  await expect(card(subtasks[1])).toHaveAttribute("data-status", "pending");
  expect(await places()).toEqual(before);

  // The longest chain is the critical path: map → api → ui.
  await expect(page.locator(".card.is-critical")).toHaveCount(3);
  await expect(card(subtasks[3])).not.toHaveClass(/is-critical/);
});

test("a subtask that comes to wait for another one moves behind it, and says so", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0], { ...pair[0], task_id: "b", description: "Another" }]);
  await open(page, `/sessions/${session}?view=graph&subtask=${subtasks[1]}`);
  const left = async (id: string) => (await page.locator(`[data-card="${id}"]`).boundingBox())!.x;
  expect(await left(subtasks[1])).toBe(await left(subtasks[0]));
  await agent.patch(subtasks[1], { blocked_by: [subtasks[0]] });
  await expect(page.getByTestId("blockers")).toContainText("Create User CRUD endpoints");
  await expect.poll(async () => (await left(subtasks[1])) > (await left(subtasks[0]))).toBe(true);
});

test("every view is one address, kept by links, Back and a reload", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await open(page, `/sessions/${session}`);
  await page.getByTestId("view-graph").click();
  await expect(page).toHaveURL(/view=graph/);
  await page.locator(`[data-card="${subtasks[1]}"]`).click();
  await expect(page).toHaveURL(new RegExp(`view=graph&subtask=${subtasks[1]}`));
  await expect(page.getByTestId("drawer")).toContainText("Create the endpoints");
  await page.getByTestId("view-timeline").click();
  await expect(page.locator(`[data-lane="${subtasks[1]}"]`)).toBeVisible();
  await expect(page.getByTestId("drawer")).toContainText("Create the endpoints");
  await page.reload();
  await expect(page.locator("body[data-hydrated]")).toBeAttached();
  await expect(page.locator(`[data-lane="${subtasks[1]}"]`)).toBeVisible();
  await expect(page.getByTestId("drawer")).toContainText("Create the endpoints");
  await page.goBack();
  await expect(page.getByTestId("graph")).toBeVisible();
  await page.goBack();
  await expect(page.getByTestId("drawer")).not.toContainText("Create the endpoints");

  await page.goto(`/sessions/${session}?status=blocked`);
  await expect(page.getByTestId("subtask")).toHaveCount(3);
  await page.getByTestId("only-blocked").click();
  await expect(page.getByTestId("subtask")).toHaveCount(4);
});

test("the timeline shows waiting and running, goes on while work goes on, and zooms", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}?view=timeline`);
  const lane = page.locator(`[data-lane="${subtasks[0]}"]`);
  await expect(lane.locator(".bar-queued")).toBeAttached();
  await expect(lane.locator(".bar-ran")).toHaveCount(0);
  await agent.patch(subtasks[0], { status: "running" });
  await expect(lane.locator(".bar-ran")).toHaveCount(1);
  await expect(lane).toHaveAttribute("data-status", "running");
  await agent.patch(subtasks[0], { status: "failed" });
  // How it stands is a shape, too.
  await expect(lane.locator(".bar-mark")).toHaveAttribute("d", /l6 6m0-6l-6 6$/);

  await expect(page.getByTestId("time-all")).toBeDisabled();
  await page.getByTestId("time-in").click();
  await expect(page.getByTestId("time-all")).toBeEnabled();
  await page.getByTestId("time-all").click();
  const ruler = (await page.getByTestId("ruler").boundingBox())!;
  await page.mouse.move(ruler.x + 400, ruler.y + 10);
  await page.mouse.down();
  await page.mouse.move(ruler.x + 600, ruler.y + 10, { steps: 4 });
  await page.mouse.up();
  await expect(page.getByTestId("time-all")).toBeEnabled();
});

test("files that two subtasks changed at once are marked, in the queue as well, as it happens", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0], { ...pair[1], blocked_by: [] }]);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}?view=files`);
  await expect(page.getByTestId("files")).toContainText("No file yet");
  await edit(agent, subtasks[0], "src/user.ts");
  await expect(page.locator(`[data-file="src/user.ts"]`)).toBeVisible();
  await expect(page.getByTestId("attention-count")).toHaveText("0");
  await edit(agent, subtasks[1], "./src//user.ts");
  await expect(page.locator(`[data-file="src/user.ts"]`)).toContainText("at the same time");
  await expect(page.getByTestId("need")).toContainText("2 subtasks changed src/user.ts");
  // From any view, to where both are seen, and to what one of them did.
  await page.getByTestId("view-table").click();
  await page.getByTestId("need").click();
  await expect(page).toHaveURL(/view=files/);
  await expect(page.locator(`[data-file="src/user.ts"]`)).toContainText("at the same time");
  await expect(page.getByTestId("drawer")).toContainText("src/user.ts");
});

test("a cell of the map opens its subtasks one after the other, and goes with the filters", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0], { ...pair[0], task_id: "b", description: "Another" }, { ...pair[0], task_id: "c", description: "Elsewhere" }]);
  await agent.start(session, 1);
  await edit(agent, subtasks[0], "src/user.ts");
  await edit(agent, subtasks[1], "src/user.ts");
  await edit(agent, subtasks[2], "src/other.ts");
  await open(page, `/sessions/${session}?view=files`);
  const cell = page.locator(`[data-file="src/user.ts"]`).getByTestId("heat-link");
  await cell.click();
  await expect(page).toHaveURL(new RegExp(`view=files&subtask=${subtasks[0]}`));
  await cell.click();
  await expect(page).toHaveURL(new RegExp(`subtask=${subtasks[1]}`));
  await cell.click();
  await expect(page).toHaveURL(new RegExp(`subtask=${subtasks[0]}`));
  await expect(page.locator(".heat-cell.is-chosen")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await page.getByTestId("only-completed").click();
  await expect(page.locator(".heat-cell.is-dim")).toHaveCount(2);
  await agent.patch(subtasks[2], { status: "completed" });
  await expect(page.locator(".heat-cell.is-dim")).toHaveCount(1);
  await accessible(page);
});

test("what the pointer or the keyboard is on is marked wherever it is shown", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "failed" });
  await open(page, `/sessions/${session}?view=graph`);
  const marked = page.locator("[data-pointed]");
  await page.getByTestId("need").hover();
  await expect(page.locator(`[data-card="${subtasks[0]}"][data-pointed]`)).toBeVisible();
  await expect(marked).toHaveCount(2);
  await expect(page.locator(".link.is-chosen")).toHaveCount(2);
  await page.locator(`[data-card="${subtasks[2]}"]`).focus();
  await expect(marked).toHaveCount(1);
  await expect(page.locator(`[data-card="${subtasks[2]}"][data-pointed]`)).toBeVisible();
  await page.getByTestId("view-timeline").click();
  await expect(page.getByTestId("lane")).toHaveCount(4);
  await page.getByTestId("need").hover();
  await expect(page.locator(`[data-lane="${subtasks[0]}"][data-pointed]`)).toBeVisible();
});

test("the wave that matters has its head over every view, with what can be done to it", async ({ page, agent, session }) => {
  await agent.call("POST", `/api/waves/${session}/create`, { wave_number: 0, requires_approval: true });
  const { subtasks } = await agent.submit(session, 0, [pair[0]]);
  await agent.submit(session, 1, [pair[0]]);
  await open(page, `/sessions/${session}?view=graph`);
  const head = page.getByTestId("wave");
  await expect(head).toHaveAttribute("data-wave", "0");
  await page.getByTestId("need").click();
  await page.getByTestId("approve-wave").click();
  await page.getByTestId("start-wave").click();
  await expect(head).toHaveAttribute("data-status", "running");
  await expect(page.getByTestId("card")).toHaveCount(2);
  await page.getByTestId("all-waves").click();
  await agent.patch(subtasks[0], { status: "completed" });
  // The next one in line takes its place.
  await expect(head).toHaveAttribute("data-wave", "1");
  await accessible(page);
  await fits(page);
});

test("an empty session teaches the call that fills it", async ({ page, agent, session }) => {
  const name = `${session} it's "new"`;
  await agent.call("POST", `/api/sessions/${encodeURIComponent(name)}/pause`);
  await open(page, `/sessions/${encodeURIComponent(name)}`);
  const call = (await page.locator(".empty code").textContent())!;
  expect(call).toContain(String.raw`"session_id": "${session} it'\''s \"new\"", "wave_number": 0`);
  await accessible(page);
});

test("the queue names what needs a person, most urgent first, and empties when it is mended", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}`);
  await expect(page.getByTestId("attention")).toContainText("Nothing.");
  await agent.patch(subtasks[0], { status: "failed", result: { error: "no such module" } });
  await expect(page.getByTestId("need")).toContainText("“Map the modules” failed; 3 subtasks wait for it.");
  await page.getByTestId("need").click();
  await page.getByTestId("drawer-retry").click();
  await expect(page.getByTestId("attention")).toContainText("Nothing.");
});

test("the graph is dragged by its ground and grows under the wheel, around what is pointed at", async ({ page, agent, session }) => {
  const many = (wave: number) => agent.submit(session, wave, Array.from({ length: 40 }, (_, n) => ({ ...pair[0], task_id: `t${n}` })));
  for (const wave of [0, 1, 2, 3]) await many(wave);
  await open(page, `/sessions/${session}?view=graph`);
  const region = page.locator(".graph-region");
  const scrolled = () => region.evaluate((element) => [element.scrollLeft, element.scrollTop]);
  const frame = (await region.boundingBox())!;
  // Between the columns of cards there is nothing but ground.
  const card = (await page.getByTestId("card").first().boundingBox())!;
  const ground = { x: card.x + card.width + 6, y: frame.y + 200 };
  await page.mouse.move(ground.x, ground.y);
  await page.mouse.down();
  await page.mouse.move(ground.x - 150, ground.y - 60, { steps: 5 });
  expect(await scrolled()).toEqual([150, 60]);
  await page.mouse.up();
  await page.mouse.move(ground.x, ground.y, { steps: 3 });
  expect(await scrolled()).toEqual([150, 60]);

  const pointed = () => page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.closest("[data-card]")?.getAttribute("data-card"), at);
  // A card that is in sight.
  const at = await region.evaluate((region) => {
    const frame = region.getBoundingClientRect();
    const middles = [...region.querySelectorAll("[data-card]")].map((card) => card.getBoundingClientRect()).map((it) => [it.x + it.width / 2, it.y + it.height / 2]);
    return middles.find(([x, y]) => x > frame.x + 200 && x < frame.right - 50 && y > frame.y + 50 && y < Math.min(frame.bottom, innerHeight) - 50)!;
  });
  const before = await pointed();
  await page.mouse.move(at[0], at[1]);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, 100);
  await page.keyboard.up("Control");
  await expect(page.getByTestId("zoom")).toHaveText("80 %");
  await expect.poll(pointed).toBe(before);
});

test("the timeline goes to earlier and later times by its buttons", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "completed" });
  // The ruler marks seconds, so that it has to be a few of them old.
  await page.waitForTimeout(6_000);
  await open(page, `/sessions/${session}?view=timeline`);
  const ticks = () => page.locator(".ruler .tick-text").allTextContents();
  await expect(page.getByTestId("time-later")).toBeDisabled();
  await page.getByTestId("time-in").click();
  await expect(page.getByTestId("time-later")).toBeEnabled();
  const middle = await ticks();
  await page.getByTestId("time-later").focus();
  await page.keyboard.press("Enter");
  await expect.poll(ticks).not.toEqual(middle);
  await page.getByTestId("time-earlier").press("Enter");
  await expect.poll(ticks).toEqual(middle);
  await page.getByTestId("time-all").click();
  await expect(page.getByTestId("time-earlier")).toBeDisabled();
});

test("what the address opens is brought into sight in every view", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, Array.from({ length: 150 }, (_, n) => ({ ...pair[0], task_id: `t${n}`, description: `Part ${n}` })));
  const last = subtasks[149];
  for (const [view, found] of [["table", `#open-${last}`], ["graph", `[data-card="${last}"]`], ["timeline", `[data-lane="${last}"] a`]]) {
    await open(page, `/sessions/${session}?view=${view}&subtask=${last}`);
    await expect(page.locator(found)).toBeInViewport();
    await page.getByTestId("close-drawer").click();
    await expect(page.locator(found)).toBeFocused();
  }
  // A bar is as good as its name.
  await page.locator(`[data-lane="${last}"] .bar-queued`).click({ force: true });
  await expect(page.getByTestId("drawer")).toContainText("Part 149");
});

test("the page says whether the next wave may start, and why a subtask waits", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0]]);
  const { subtasks: later } = await agent.submit(session, 2, [pair[0]]);
  await page.setViewportSize({ width: 1600, height: 1000 });
  await open(page, `/sessions/${session}?subtask=${later[0]}`);
  const outlook = page.getByTestId("outlook");
  await expect(outlook).toHaveText("Wave 1 may start.");
  await expect(page.getByTestId("why")).toHaveText("Waits for wave 2 to start.");
  await agent.start(session, 1);
  await expect(outlook).toHaveText("Wave 1 is still running: 1 of its 1 subtasks have not ended.");
  await agent.patch(subtasks[0], { status: "running" });
  await expect(page.getByTestId("running")).toHaveText("1");
  await agent.patch(subtasks[0], { status: "failed" });
  await expect(outlook).toHaveText("Wave 1 failed: retry what failed in it, or go on without it.");
  await page.getByTestId("retry-failed").click();
  await page.getByRole("button", { name: "Retry them" }).click();
  await expect(outlook).toContainText("Wave 1 is still running");
  await agent.patch(subtasks[0], { status: "completed" });
  await expect(outlook).toHaveText("Wave 2 may start.");
  await page.getByTestId("transition").click();
  await expect(page.getByTestId("why")).toHaveText("Ready: waits for an agent.");
  await page.getByTestId("pause-session").click();
  await expect(page.getByTestId("why")).toHaveText("Ready, but the session is paused.");
});

test("a card says which tool its agent called last, also when the page comes later", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0]]);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "running" });
  await edit(agent, subtasks[0], "src/a.rs");
  await open(page, `/sessions/${session}?view=graph`);
  await expect(page.locator(`[data-card="${subtasks[0]}"]`).getByTitle("Last tool call")).toHaveText("Edit");
});

test("the queue knows of subtasks that the page has not loaded", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, Array.from({ length: 450 }, (_, n) => ({ ...pair[0], task_id: `t${n}`, description: `Part ${n}` })));
  await agent.submit(session, 1, [{ ...pair[1], blocked_by: [subtasks[440]] }]);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}`);
  await expect(page.locator(`[data-subtask="${subtasks[440]}"]`)).toHaveCount(0);
  await agent.patch(subtasks[440], { status: "failed" });
  await agent.patch(subtasks[441], { status: "failed" });
  const needs = page.getByTestId("need");
  await expect(needs).toHaveText(["Stranded“Part 440” failed; 1 subtask waits for it.", "Failed“Part 441” failed."]);
  await needs.first().click();
  await expect(page.getByTestId("drawer")).toContainText("Part 440");
  // The same one, although its words change: the keyboard stays on it.
  await needs.first().focus();
  await agent.submit(session, 1, [{ ...pair[1], blocked_by: [subtasks[440]] }]);
  await agent.patch(subtasks[442], { status: "failed" });
  await expect(needs.first()).toContainText("2 subtasks wait for it.");
  await expect(needs.first()).toBeFocused();
});

test("while a page is read its shape is there, and said to be loading", async ({ page, agent, session }) => {
  await agent.submit(session, 1, pair);
  await open(page, "/");
  let go = () => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route("**/session*", async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: session, exact: true }).first().click();
  const waiting = page.getByRole("status").filter({ hasText: "Loading…" });
  await expect(waiting).toBeVisible();
  expect((await waiting.boundingBox())!.height).toBeGreaterThan(300);
  await accessible(page);
  go();
  await expect(page.getByTestId("subtask")).toHaveCount(2);
  await expect(waiting).toHaveCount(0);
});

test("a subtask without actions teaches the call that records one", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0]]);
  await open(page, `/sessions/${session}?view=files&subtask=${subtasks[0]}`);
  const call = (await page.getByTestId("drawer").locator("code").filter({ hasText: "curl" }).textContent())!;
  expect(call).toContain(`${new URL(page.url()).origin}/api/actions`);
  await expect(page.getByTestId("files").locator("code").filter({ hasText: "curl" })).toHaveText(call);
  await accessible(page);
  await fits(page);
  // As it is taught, it works.
  const body = JSON.parse(call.split("-d '")[1].slice(0, -1));
  await agent.call("POST", "/api/actions", body);
  await expect(page.getByTestId("log")).toContainText("Edit");
  await expect(page.locator(`[data-file="src/main.rs"]`)).toBeVisible();
});

test("the drawer says why a subtask waits, shows what its agent did, and acts on it", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await open(page, `/sessions/${session}?subtask=${subtasks[1]}`);
  const drawer = page.getByTestId("drawer");
  await expect(page.getByTestId("why")).toHaveText("Waits for wave 1 to start, and for 1 of 1: “Map the modules” (pending).");
  await expect(page.getByTestId("blockers")).toContainText("Map the modules");
  await expect(page.getByTestId("dependents")).toContainText("Build the form");
  await agent.start(session, 1);
  await expect(page.getByTestId("why")).toHaveText("Waits for 1 of 1: “Map the modules” (pending).");
  await agent.patch(subtasks[0], { status: "completed" });
  await expect(page.getByTestId("why")).toHaveText("Ready: waits for an agent.");

  await page.getByTestId("priority").selectOption("2");
  await expect.poll(async () => (await agent.call("GET", `/api/subtasks/${subtasks[1]}`)).subtask.priority).toBe(2);
  await agent.patch(subtasks[1], { status: "running", agent_id: "agent-7" });
  await edit(agent, subtasks[1], "src/api.rs");
  await expect(page.getByTestId("action")).toContainText("src/api.rs");
  await page.getByTestId("mark-completed").click();
  await page.getByTestId("confirm-yes").click();
  await expect(page.getByTestId("result-summary")).toHaveText("Marked completed by hand.");
  await expect(drawer.locator(".is-completed").first()).toBeVisible();
  await page.getByTestId("craft").click();
  await expect(page.getByTestId("drawer-prompt")).toContainText("Create the endpoints");
});

test("a subtask's report is copied as a call that works", async ({ page, context, agent, session, baseURL }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: baseURL });
  const { subtasks } = await agent.submit(session, 1, [pair[0]]);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}?subtask=${subtasks[0]}`);
  await page.getByTestId("drawer").getByTestId("copy").filter({ hasText: "curl" }).click();
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toContain(`${baseURL}/api/subtasks/${subtasks[0]}`);
  execFileSync("bash", ["-c", await page.evaluate(() => navigator.clipboard.readText())]);
  await expect(page.locator(`[data-subtask="${subtasks[0]}"]`)).toHaveAttribute("data-status", "completed");
});

test("the strip of time leads to the timeline by keys alone, and says what ended when", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "running" });
  await agent.patch(subtasks[0], { status: "completed" });
  await open(page, `/sessions/${session}`);
  const strip = page.getByRole("slider", { name: "When work ended: 1 completed, 0 failed" });
  await strip.focus();
  await page.keyboard.press("Home");
  await expect(strip).toHaveAttribute("aria-valuenow", "0");
  await page.keyboard.press("ArrowRight");
  await expect(strip).toHaveAttribute("aria-valuenow", "1");
  await page.keyboard.press("End");
  await expect(strip).toHaveAttribute("aria-valuetext", /UTC: 1 completed, 0 failed$/);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("timeline")).toBeVisible();
  await expect(page.getByTestId("time-all")).toBeEnabled();
  await expect(page.locator(".now-line")).toBeAttached();
});

test("an agent's own result is shown whole, and stays text", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0]]);
  await agent.start(session, 1);
  const nasty = `<img src=x onerror="window.hit=1">`;
  await agent.patch(subtasks[0], { status: "completed", result: { summary: nasty, files: [nasty], deep: { [nasty]: [1, { x: nasty }] } } });
  await open(page, `/sessions/${session}?subtask=${subtasks[0]}`);
  await expect(page.getByTestId("result-summary")).toHaveText(nasty);
  await expect(page.getByTestId("json")).toContainText("deep");
  expect(await page.evaluate(() => (window as any).hit)).toBeUndefined();
});

test("the main tasks work by keyboard alone", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "failed" });
  await open(page, `/sessions/${session}?view=graph`);
  await page.getByTestId("need").focus();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("drawer")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(page.getByTestId("close-drawer")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.locator(`[data-card="${subtasks[0]}"]`)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("drawer")).toBeFocused();
  await page.getByTestId("drawer-retry").focus();
  await page.keyboard.press("Enter");
  await expect(page.locator(`[data-card="${subtasks[0]}"]`)).toHaveAttribute("data-status", "pending");
});

test("from the list to a started wave and an open subtask with keys, and no pointer", async ({ page, agent, session }) => {
  await agent.submit(session, 1, chain);
  await open(page, `/?q=${session}`);
  const keys = async (...all: string[]) => { for (const key of all) await page.keyboard.press(key); };
  const here = (selector: string) => page.evaluate((it) => document.activeElement?.matches(it) ?? false, selector);
  const tabTo = async (selector: string) => {
    for (let n = 0; n < 60 && !(await here(selector)); n++) await page.keyboard.press("Tab");
    expect(await here(selector), selector).toBe(true);
  };
  await keys("j", "Enter");
  await expect(page.getByTestId("subtask")).toHaveCount(4);
  await tabTo("[data-testid=start-wave]");
  await keys("Enter");
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "running");
  await keys("j", "ArrowDown", "ArrowDown", "ArrowUp");
  await expect(page.getByRole("link", { name: "Create the endpoints" })).toBeFocused();
  await keys("Enter");
  await expect(page.getByTestId("drawer")).toContainText("Waits for 1 of 1");
  await keys("Escape", "2");
  await expect(page.getByTestId("card")).toHaveCount(4);
  await keys("4");
  await expect(page.getByTestId("files")).toBeVisible();
  await keys("?");
  await expect(page.getByTestId("keys")).toBeVisible();
  await keys("Escape");
  await expect(page.getByTestId("keys")).toBeHidden();
});

test("a session of 3,000 subtasks opens as a graph with few elements, and reads the rest by itself", async ({ page, agent, session }) => {
  for (const wave of [1, 2, 3]) {
    for (const part of [0, 1]) {
      const tasks = Array.from({ length: 500 }, (_, n) => ({
        task_id: `${wave}-${part}-${n}`, agent_type: "Snipper", description: `Rename ${n}`,
        blocked_by: n % 3 === 2 ? [`${wave}-${part}-${n - 1}`] : [],
      }));
      await agent.submit(session, wave, tasks);
    }
  }
  await open(page, `/sessions/${session}?view=graph`);
  const region = page.getByRole("region", { name: "Subtasks by wave" });
  await expect(page.locator(".load-all")).toHaveCount(0, { timeout: 30_000 });
  expect(await page.getByTestId("card").count()).toBeLessThan(400);
  await page.getByTestId("graph-map").click({ position: { x: 170, y: 20 } });
  await expect.poll(() => region.evaluate((element) => element.scrollLeft)).toBeGreaterThan(1000);
  await page.getByTestId("zoom-fit").click();
  await expect.poll(() => region.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(1);
  // Every subtask is in sight, as small as that is, and leads to its drawer.
  await expect(page.getByTestId("patch")).toHaveCount(3000);
  await page.getByTestId("patch").nth(1500).click({ force: true });
  await expect(page.getByTestId("drawer")).toContainText("Rename");
  await expect(page.locator(".patch.is-chosen")).toHaveCount(1);
  await page.keyboard.press("Escape");
  await page.getByTestId("view-timeline").click();
  await expect(page.getByTestId("lane").first()).toBeVisible();
  expect(await page.getByTestId("lane").count()).toBeLessThan(120);
});

test("what is looked at stays where it is while the rest of a session is read", async ({ page, agent, session }) => {
  for (const wave of [1, 2, 3]) {
    const tasks = (part: number) => Array.from({ length: 400 }, (_, n) => ({ agent_type: "Snipper", description: `Rename ${wave}.${part}.${n}` }));
    await agent.submit(session, wave, tasks(0));
    await agent.submit(session, wave, tasks(1));
  }
  await agent.start(session, 1);
  for (const wave of [1, 2]) {
    await agent.call("POST", `/api/waves/${session}/cancel`, { wave_number: wave });
    await agent.call("POST", `/api/waves/${session}/transition`, { force: true });
  }
  // What is read first is the running wave, so that the ones before it grow.
  let release = () => {};
  const held = new Promise<void>((done) => (release = done));
  await page.route("**/wave-rows*", async (route) => {
    await held;
    await route.continue();
  });
  await open(page, `/sessions/${session}?view=graph`);
  await expect(page.locator(".load-all")).toBeVisible();
  const card = page.getByTestId("card").filter({ hasText: "Rename 3.0.0" }).first();
  await expect(card).toBeInViewport();
  const region = page.getByRole("region", { name: "Subtasks by wave" });
  const scrolled = await region.evaluate((element) => element.scrollLeft);
  const before = (await card.boundingBox())!;
  release();
  await expect(page.locator(".load-all")).toHaveCount(0, { timeout: 30_000 });
  await expect.poll(() => region.evaluate((element) => element.scrollLeft)).toBeGreaterThan(scrolled);
  const after = (await card.boundingBox())!;
  expect([after.x, after.y]).toEqual([before.x, before.y]);
});

for (const view of ["table", "graph", "timeline", "files"]) {
  test(`the ${view} view with its drawer is accessible and fits every width`, async ({ page, agent, session }) => {
    const { subtasks } = await agent.submit(session, 1, [...chain, { ...pair[0], task_id: "long", description: "x".repeat(400) }]);
    await agent.submit(session, 2, pair);
    await agent.start(session, 1);
    await agent.patch(subtasks[0], { status: "completed", result: { summary: "mapped", files: ["src/a.rs"], n: [1] } });
    await edit(agent, subtasks[1], "src/a.rs");
    await agent.patch(subtasks[1], { status: "failed" });
    await open(page, `/sessions/${session}?view=${view}&subtask=${subtasks[0]}`);
    await expect(page.getByTestId("drawer")).toContainText("mapped");
    await accessible(page);
    await fits(page);
  });
}

test("untrusted text stays text in every view, and views read without JavaScript", async ({ page, browser, agent, session, baseURL }) => {
  const nasty = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>`;
  const name = `${session} <b>"x`;
  const { subtasks } = await agent.submit(name, 1, [{ agent_type: nasty, description: nasty }]);
  await agent.start(name, 1);
  await agent.patch(subtasks[0], { status: "running", agent_id: nasty });
  await edit(agent, subtasks[0], nasty);
  await agent.patch(subtasks[0], { status: "failed", result: { error: nasty, summary: nasty } });
  const path = `/sessions/${encodeURIComponent(name)}`;
  for (const place of [`${path}?view=graph`, `${path}?view=timeline`, `${path}?view=files`, `${path}?subtask=${subtasks[0]}`, "/live"]) {
    await open(page, place);
    await expect(page.locator("main")).toContainText("<img src=x onerror=");
    expect(await page.evaluate(() => (window as any).hit), place).toBeUndefined();
  }
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const still = await context.newPage();
  for (const [view, thing] of [["graph", "card"], ["timeline", "lane"], ["files", "file"]]) {
    await still.goto(`${path}?view=${view}&subtask=${subtasks[0]}`);
    await expect(still.getByTestId(thing)).toHaveCount(1);
    await expect(still.getByTestId("description")).toContainText("<script>window.hit=1</script>");
  }
  await context.close();
});

test("the graph catches up after the server restarts, without a reload", async ({ page, agent, session, server }) => {
  const { subtasks } = await agent.submit(session, 1, chain);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}?view=graph`);
  await server.down();
  await expect(page.locator(".badge.is-stale")).toBeVisible();
  await server.up();
  await agent.patch(subtasks[0], { status: "completed" });
  await expect(page.locator(`[data-card="${subtasks[0]}"]`)).toHaveAttribute("data-status", "completed", { timeout: 30_000 });
  await expect(page.locator(`[data-card="${subtasks[1]}"]`)).toHaveAttribute("data-status", "pending");
});
