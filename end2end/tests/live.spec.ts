// Live feed, registry, finder and keys.
import { accessible, expect, fits, open, pair, test } from "../fixtures.ts";

test("the feed shows every event as it happens, filters, and holds them while paused", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, pair);
  await open(page, `/live?q=${session}`);
  await expect(page.getByTestId("event").first()).toContainText("batch.created");
  await agent.start(session, 1);
  await expect(page.getByTestId("event").first()).toContainText("wave.transitioned");
  await page.getByTestId("pause").click();
  await agent.patch(subtasks[0], { status: "running" });
  await expect(page.getByTestId("held")).toContainText("1 event since");
  await expect(page.getByTestId("event").first()).toContainText("wave.transitioned");
  await page.getByTestId("pause").click();
  await expect(page.getByTestId("event").first()).toContainText("subtask.updated");
  await page.getByTestId("event").first().getByRole("link").click();
  await expect(page.getByTestId("drawer")).toContainText("Create User CRUD endpoints");
  await open(page, `/live?kind=wave&q=${session}`);
  await expect(page.getByTestId("event")).toHaveCount(2);
  await accessible(page);
  await fits(page);
});

test("what happened while the server was away is caught up with, each event once and in order", async ({ page, agent, session, server }) => {
  const { subtasks } = await agent.submit(session, 1, Array.from({ length: 60 }, (_, n) => ({ ...pair[0], task_id: `t${n}` })));
  await agent.start(session, 1);
  await open(page, `/live?q=${session}`);
  await page.evaluate(() => {
    const seen = ((window as any).badges = new Set<string>());
    const badge = document.querySelector("[data-testid=live-badge]")!;
    new MutationObserver(() => seen.add(badge.className)).observe(badge, { attributes: true });
  });
  await server.down();
  await expect(page.locator(".badge.is-stale")).toBeVisible();
  await server.up();
  for (const id of subtasks) {
    await agent.patch(id, { status: "running" });
    await agent.patch(id, { status: "completed" });
  }
  await expect(page.getByTestId("event").first()).toContainText("wave.completed", { timeout: 30_000 });
  await expect(page.locator(".badge.is-live")).toBeVisible();
  const positions = await page.getByTestId("event").evaluateAll((rows) => rows.map((row) => Number(row.getAttribute("data-seq"))));
  // Newest first, without a gap, from the batch to the end of the wave.
  expect(positions).toHaveLength(3 + 120 + 1);
  expect(positions).toEqual(positions.map((_, n) => positions[0] - n));
  expect(await page.evaluate(() => [...(window as any).badges].join())).toContain("is-catching-up");
});

test("an agent type is added, tried with a sentence, and removed", async ({ page, agent, session }) => {
  const name = `zz-${session}`;
  await open(page, "/registry", false);
  await page.getByLabel("Task", { exact: true }).fill("Please polish the chrome trim of the bumper");
  await expect(page.getByTestId("matches")).toContainText("No keyword");
  await page.getByTestId("new-agent").click();
  await page.getByLabel("Type", { exact: true }).fill(name);
  await page.getByLabel("Keywords", { exact: true }).fill("chrome trim\nbumper");
  await page.getByLabel("Model", { exact: true }).selectOption("opus");
  await page.getByRole("button", { name: "Keep" }).click();
  const match = page.locator(`[data-testid="match"][data-agent="${name}"]`);
  await expect(match).toContainText("chrome trim, bumper");
  const kept = await agent.call("GET", `/api/registry/${name}`);
  expect([kept.keywords, kept.model]).toEqual([["chrome trim", "bumper"], "opus"]);
  await match.getByRole("link").click();
  await accessible(page);
  await fits(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByTestId("remove-agent").click();
  await page.getByTestId("confirm-yes").click();
  await expect(match).toHaveCount(0);
});

test("the finder leads to a session, a subtask and a page, by keys alone", async ({ page, agent, session }) => {
  const word = `needle${session.replace(/\W/g, "")}`;
  await agent.submit(session, 1, [{ ...pair[0], description: `Thread the ${word}` }]);
  await open(page, "/");
  await page.keyboard.press("Control+k");
  await expect(page.getByTestId("finder")).toBeVisible();
  await accessible(page);
  await page.keyboard.type(word);
  await expect(page.getByTestId("found")).toContainText(`Thread the ${word}`);
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("drawer")).toContainText(`Thread the ${word}`);
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("regis");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/registry/);
});

test("keys are listed, move among rows, and switch views", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, pair);
  await open(page, `/sessions/${session}`);
  await page.keyboard.press("?");
  await expect(page.getByTestId("keys")).toBeVisible();
  await accessible(page);
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("keys")).toBeHidden();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await expect(page.locator(`#open-${subtasks[1]}`)).toBeFocused();
  await page.keyboard.press("k");
  await expect(page.locator(`#open-${subtasks[0]}`)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("drawer")).toContainText("Create User CRUD endpoints");
  await page.keyboard.press("2");
  await expect(page.getByTestId("graph")).toBeVisible();
});

test("a page that is open across an upgrade says so", async ({ page, agent, session }) => {
  let connections = 0;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const upstream = socket.connectToServer();
    const build = `build-${connections++}`;
    upstream.onMessage((message) => {
      const frame = JSON.parse(String(message));
      socket.send(JSON.stringify(frame.type === "connected" ? { ...frame, build } : frame));
    });
    // The first connection is lost as when a server is replaced.
    if (build === "build-0") setTimeout(() => socket.close({ code: 1012 }), 1_500);
  });
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}`);
  const badge = page.getByTestId("live-badge");
  await expect(badge).toContainText("UPDATED: RELOAD");
  await accessible(page);
  await page.reload();
  await expect(badge).toContainText("LIVE");
});
