import { accessible, expect, fits, open, pair, test } from "../fixtures.ts";

test("a batch shows its synthesis and its conflicts as they come about", async ({ page, agent, session }) => {
  const { batch, subtasks } = await agent.submit(session, 1, [pair[0], { ...pair[1], blocked_by: [] }]);
  await agent.start(session, 1);
  await open(page, `/batches/${batch}`);
  for (const id of subtasks) {
    await agent.patch(id, { status: "completed", result: { files: ["src/types/user.ts"], summary: "typed" } });
  }
  await expect(page.getByTestId("completed")).toHaveText("2");
  await expect(page.getByTestId("conflict")).toHaveAttribute("data-severity", "high");
  await expect(page.getByTestId("conflict")).toContainText("src/types/user.ts");
  await expect(page.getByTestId("side")).toHaveCount(2);
  await expect(page.getByTestId("side").first()).toContainText("typed");
  await page.getByTestId("complete-batch").click();
  await expect(page.getByTestId("summary")).toContainText("Wave 1: 2/2 tasks completed. 1 files modified, 1 conflicts.");
  await expect(page.getByTestId("next-wave")).toBeVisible();
  await page.getByTestId("synthesis-json").locator("> summary").click();
  await expect(page.getByTestId("synthesis-json")).toContainText("next_wave_ready: true");
  await expect(page.getByTestId("synthesis-json").getByTestId("json")).toContainText("src/types/user.ts");
  await accessible(page);
  await fits(page);
  const report = await page.request.get((await page.getByTestId("export-markdown").getAttribute("href"))!);
  expect(report.headers()["content-type"]).toContain("text/markdown");
  expect(await report.text()).toContain("## Conflicts");
  const json = await page.request.get((await page.getByTestId("export-json").getAttribute("href"))!);
  expect(await json.json()).toEqual(await agent.call("GET", `/api/orchestration/synthesis/${batch}`));
  await page.emulateMedia({ media: "print" });
  await expect(page.locator(".topbar")).toBeHidden();
  await expect(page.getByTestId("synthesis")).toBeVisible();
});

test("a batch that is not there is a 404 with a sentence", async ({ page }) => {
  const response = await page.goto("/batches/not-a-uuid");
  expect(response?.status()).toBe(404);
  await expect(page.getByTestId("problem")).toContainText("There is no batch");
});

test("a large batch shows its first subtasks, and all of them when asked, also as they change", async ({ page, agent, session }) => {
  const { batch, subtasks } = await agent.submit(session, 1, Array.from({ length: 520 }, (_, n) => ({ ...pair[0], task_id: `t${n}` })));
  await agent.start(session, 1);
  await open(page, `/batches/${batch}`);
  await expect(page.getByTestId("subtask")).toHaveCount(500);
  await page.getByTestId("all-subtasks").click();
  await expect(page.getByTestId("subtask")).toHaveCount(520);
  await expect(page.getByTestId("all-subtasks")).toBeHidden();
  await agent.patch(subtasks[519], { status: "failed" });
  await expect(page.locator(`[data-subtask="${subtasks[519]}"]`)).toHaveAttribute("data-status", "failed");
  await page.reload();
  await expect(page.getByTestId("subtask")).toHaveCount(520);
});
