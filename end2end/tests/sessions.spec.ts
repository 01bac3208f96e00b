import { accessible, expect, fits, open, pair, test } from "../fixtures.ts";

test("an empty server teaches the first call, and the list grows live without a reload", async ({ page, agent, session }) => {
  await open(page, "/?q=nothing-is-called-like-this");
  await expect(page.getByTestId("empty")).toContainText("nothing-is-called-like-this");
  await open(page, "/");
  const before = await page.evaluate(() => performance.timeOrigin);
  await agent.submit(session, 1, pair);
  const entry = page.locator(`[data-session="${session}"]`);
  await expect(entry).toContainText("0/2 done");
  expect(await page.evaluate(() => performance.timeOrigin)).toBe(before);
});

test("search finds a session by a part of its name, and its link leads to it", async ({ page, agent, session }) => {
  const name = `${session} wörk/“quoted” <b>`;
  await agent.submit(name, 0, pair);
  await open(page, "/");
  await page.getByLabel("Search sessions").fill("“quoted”");
  await page.getByLabel("Search sessions").press("Enter");
  await expect(page.locator(`[data-session="${CSS_escape(name)}"]`)).toBeVisible();
  await page.getByRole("link", { name }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
});

test("the list is accessible and fits every width", async ({ page, agent, session }) => {
  await agent.submit(session, 1, pair);
  await open(page, "/");
  await accessible(page);
  await fits(page);
});

test("the theme is remembered and there from the first paint", async ({ page, context, baseURL }) => {
  await open(page, "/");
  await page.getByTestId("theme").selectOption("dark");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const cookies = (await context.cookies()).map((cookie) => `${cookie.name}=${cookie.value}`).join("; ");
  const html = await (await fetch(`${baseURL}/`, { headers: { cookie: cookies } })).text();
  expect(html).toContain('data-theme="dark"');
});

test("a page that is not there says so with a 404", async ({ page }) => {
  const response = await page.goto("/no/such/page");
  expect(response?.status()).toBe(404);
  await expect(page.getByTestId("not-found")).toBeVisible();
  await accessible(page);
});

test("a long list goes on page by page, and back", async ({ page, agent, session }) => {
  for (let n = 0; n < 28; n++) await agent.call("POST", `/api/waves/${session}-${n}/create`, { wave_number: 0 });
  await open(page, `/?q=${session}-`);
  const names = () => page.getByTestId("session").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-session")!));
  await expect(page.getByTestId("session")).toHaveCount(25);
  const first = await names();
  await page.getByTestId("next-page").click();
  await expect(page.getByTestId("session")).toHaveCount(3);
  await expect(page).toHaveURL(/cursor=/);
  expect(new Set([...first, ...(await names())]).size).toBe(28);
  await page.goBack();
  await expect(page.getByTestId("session")).toHaveCount(25);
  expect(await names()).toEqual(first);
});

function CSS_escape(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}

test("the list shows only the sessions that stand as asked", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(`${session}-failed`, 1, [pair[0]]);
  await agent.start(`${session}-failed`, 1);
  await agent.patch(subtasks[0], { status: "failed" });
  await agent.submit(`${session}-waiting`, 1, pair);
  await open(page, `/?q=${session}`);
  await expect(page.getByTestId("session")).toHaveCount(2);
  await page.getByLabel("Only sessions that are").selectOption("failed");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/status=failed/);
  await expect(page.getByTestId("session")).toHaveCount(1);
  await expect(page.getByTestId("session")).toHaveAttribute("data-session", `${session}-failed`);
  // What no longer stands so goes, and what comes to stand so appears.
  await agent.call("POST", `/api/subtasks/${subtasks[0]}/retry`);
  await expect(page.getByTestId("session")).toHaveCount(0);
  await agent.patch(subtasks[0], { status: "failed" });
  await expect(page.getByTestId("session")).toHaveCount(1);
});

test("the list says which sessions are paused and what they spent", async ({ page, agent, session }) => {
  await agent.submit(session, 1, [pair[0]]);
  await agent.call("POST", "/api/actions", { session_id: session, tool_name: "Read", usage: { tokens_used: 12_345, cost_usd: 0.5 } });
  await open(page, `/?q=${session}`);
  const item = page.locator(`[data-session="${session}"]`);
  await expect(item.getByTestId("spent")).toContainText("tokens, $0.50");
  await expect(item.getByTestId("is-paused")).toHaveCount(0);
  await agent.call("POST", `/api/sessions/${session}/pause`);
  await expect(item.getByTestId("is-paused")).toBeVisible();
  await accessible(page);
  await fits(page);
});
