import { accessible, expect, fits, open, pair, test } from "../fixtures.ts";

test("a PATCH over REST changes the page without a reload, down to the finished wave", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, pair);
  await open(page, `/sessions/${session}`);
  const origin = await page.evaluate(() => performance.timeOrigin);
  const row = (id: string) => page.locator(`[data-subtask="${id}"]`);
  await expect(row(subtasks[0])).toHaveAttribute("data-status", "pending");
  await expect(row(subtasks[1])).toHaveAttribute("data-status", "blocked");

  await agent.start(session, 1);
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "running");
  await agent.patch(subtasks[0], { status: "running", agent_id: "agent-7" });
  await expect(row(subtasks[0])).toHaveAttribute("data-status", "running");
  await expect(row(subtasks[0])).toContainText("agent-7");
  await agent.patch(subtasks[0], { status: "completed", result: { files: ["a.php"], summary: "done" } });
  await expect(row(subtasks[0])).toHaveAttribute("data-status", "completed");
  await expect(row(subtasks[1])).toHaveAttribute("data-status", "pending");
  await agent.patch(subtasks[1], { status: "completed" });
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "completed");
  await expect(page.getByTestId("completed")).toHaveText("2");
  expect(await page.evaluate(() => performance.timeOrigin)).toBe(origin);
});

test("one subtask's change leaves the other rows' elements alone", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, pair);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}`);
  await page.evaluate((id) => {
    const other = document.querySelector(`[data-subtask="${id}"]`)!;
    (window as any).changes = 0;
    new MutationObserver((records) => ((window as any).changes += records.length)).observe(other, {
      subtree: true, childList: true, attributes: true, characterData: true,
    });
  }, subtasks[1]);
  await agent.patch(subtasks[0], { status: "running" });
  await expect(page.locator(`[data-subtask="${subtasks[0]}"]`)).toHaveAttribute("data-status", "running");
  expect(await page.evaluate(() => (window as any).changes)).toBe(0);
});

test("waves are started and gone on to from the page, and a refusal shows the server's reason", async ({ page, agent, session }) => {
  const first = await agent.submit(session, 1, [pair[0]]);
  await agent.submit(session, 2, [pair[0]]);
  await open(page, `/sessions/${session}`);
  const wave = (number: number) => page.locator(`[data-wave="${number}"][data-testid="wave"]`);

  await page.getByTestId("transition").click();
  await expect(page.getByTestId("refusal")).toContainText("No wave has completed yet");
  await wave(1).getByTestId("start-wave").click();
  await expect(wave(1)).toHaveAttribute("data-status", "running");
  await page.getByTestId("transition").click();
  await expect(page.getByTestId("refusal").last()).toContainText("Wave 1 is still running");
  await agent.patch(first.subtasks[0], { status: "completed" });
  await expect(wave(1)).toHaveAttribute("data-status", "completed");
  await page.getByTestId("transition").click();
  await expect(wave(2)).toHaveAttribute("data-status", "running");
});

test("a failed wave is gone past only after a question, and its subtask can be retried", async ({ page, agent, session }) => {
  const first = await agent.submit(session, 1, [pair[0]]);
  await agent.submit(session, 2, [pair[0]]);
  await agent.start(session, 1);
  await agent.patch(first.subtasks[0], { status: "failed", result: { error: "out of memory" } });
  await open(page, `/sessions/${session}`);
  const wave = (number: number) => page.locator(`[data-wave="${number}"][data-testid="wave"]`);
  await expect(wave(1)).toHaveAttribute("data-status", "failed");

  await page.getByTestId("transition").click();
  await expect(page.getByTestId("confirm")).toContainText("Wave 1 failed");
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("confirm")).toBeHidden();
  await expect(wave(2)).toHaveAttribute("data-status", "pending");

  await wave(1).getByTestId("retry").click();
  await expect(wave(1)).toHaveAttribute("data-status", "running");
  await expect(page.locator(`[data-subtask="${first.subtasks[0]}"]`)).toHaveAttribute("data-status", "pending");
});

test("the page catches up after the server restarts, without loss and without a reload", async ({ page, agent, session, server }) => {
  const { subtasks } = await agent.submit(session, 1, [pair[0], { ...pair[0], task_id: "b" }]);
  await agent.start(session, 1);
  await open(page, `/sessions/${session}`);
  await server.down();
  await expect(page.locator(".badge.is-stale")).toBeVisible();
  await server.up();
  await agent.patch(subtasks[0], { status: "completed" });
  await agent.patch(subtasks[1], { status: "failed" });
  await expect(page.locator(`[data-subtask="${subtasks[0]}"]`)).toHaveAttribute("data-status", "completed", { timeout: 30_000 });
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "failed");
  await expect(page.locator(".badge.is-live")).toBeVisible();
});

test("untrusted text stays text", async ({ page, agent, session }) => {
  const nasty = `<img src=x onerror="window.hit=1"><script>window.hit=1</script> ‮evil‬ 🦀`;
  await agent.submit(session, 1, [{ agent_type: `"><b>x`, description: nasty }]);
  await open(page, `/sessions/${session}`);
  await expect(page.getByTestId("subtask")).toContainText("<script>window.hit=1</script>");
  expect(await page.evaluate(() => (window as any).hit)).toBeUndefined();
});

test("the page reads without JavaScript", async ({ browser, agent, session, baseURL }) => {
  await agent.submit(session, 1, pair);
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const page = await context.newPage();
  await page.goto(`/sessions/${session}`);
  await expect(page.getByTestId("subtask")).toHaveCount(2);
  await context.close();
});

test("a wave that is looked at alone is there without JavaScript, well beyond its beginning", async ({ browser, agent, session, baseURL }) => {
  for (const wave of [1, 2]) await agent.submit(session, wave, Array.from({ length: 450 }, (_, n) => ({ ...pair[0], task_id: `t${n}` })));
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL });
  const still = await context.newPage();
  await still.goto(`/sessions/${session}`);
  await expect(still.getByTestId("subtask")).toHaveCount(400);
  await still.locator(".wave-head").getByRole("link", { name: "Wave 2" }).click();
  await expect(still.getByTestId("subtask")).toHaveCount(450);
  await context.close();
});

test("the page is accessible, works by keyboard, and fits every width", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 1, [...pair, { ...pair[0], task_id: "c", description: "x".repeat(400) }]);
  await agent.submit(session, 2, pair);
  await agent.start(session, 1);
  await agent.patch(subtasks[0], { status: "running" });
  await agent.patch(subtasks[2], { status: "failed" });
  await open(page, `/sessions/${session}`);
  await accessible(page);
  await fits(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
});
