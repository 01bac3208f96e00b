// Agents at work, as people see them: who holds what, what became of it, pause and cancel.
import { accessible, expect, fits, open, pair, test } from "../fixtures.ts";

test("a claimed subtask shows who tries it, live, and is cancelled from its drawer", async ({ page, agent, session }) => {
  const { subtasks } = await agent.submit(session, 0, pair);
  await agent.start(session, 0);
  await open(page, `/sessions/${session}?subtask=${subtasks[0]}`);
  await expect(page.getByTestId("attempts")).toBeHidden();
  const { claims } = await agent.call("POST", "/api/subtasks/claim", { agent_id: "agent <b>one</b>", session_id: session });
  expect(claims[0].subtask.id).toBe(subtasks[0]);
  const attempt = page.getByTestId("attempt");
  await expect(attempt).toContainText("agent <b>one</b>");
  await expect(attempt).toContainText("working");
  await accessible(page);
  await fits(page);

  await page.getByTestId("cancel").click();
  await page.getByRole("button", { name: "Cancel it" }).click();
  await expect(attempt).toContainText("cancelled");
  await expect(page.locator(`[data-subtask="${subtasks[0]}"]`)).toHaveAttribute("data-status", "failed");
  const late = await fetch(`${agent.url}/api/subtasks/${subtasks[0]}/heartbeat`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: claims[0].lease.token }),
  });
  expect(late.status).toBe(409);
});

test("a paused session hands out nothing until it is resumed", async ({ page, agent, session }) => {
  await agent.submit(session, 0, [pair[0], pair[0]].map((task, n) => ({ ...task, task_id: `t${n}` })));
  await agent.start(session, 0);
  await open(page, `/sessions/${session}`);
  const claim = async () => (await agent.call("POST", "/api/subtasks/claim", { agent_id: "a", session_id: session })).claims.length;
  const button = page.getByTestId("pause-session");
  await button.click();
  await expect(button).toHaveText("Paused: resume");
  expect(await claim()).toBe(0);
  await button.click();
  await expect(button).toHaveText("Pause");
  expect(await claim()).toBe(1);
  // Paused by somebody else.
  await agent.call("POST", `/api/sessions/${session}/pause`);
  await expect(button).toHaveText("Paused: resume");
});

test("a wave that needs approval is approved on its page, and then starts", async ({ page, agent, session }) => {
  await agent.call("POST", `/api/waves/${session}/create`, { wave_number: 0, requires_approval: true });
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}`);
  await accessible(page);
  await page.getByRole("button", { name: "Approve wave 0" }).click();
  await page.getByRole("button", { name: "Start wave 0" }).click();
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "running");
});

test("files that agents hold are listed as it happens", async ({ page, agent, session }) => {
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}?view=files`);
  await expect(page.getByTestId("held")).toBeHidden();
  await agent.call("POST", "/api/files/reserve", { session_id: session, agent_id: "a<1>", paths: ["src/**"] });
  await expect(page.getByTestId("held")).toContainText("src/**");
  await expect(page.getByTestId("held")).toContainText("a<1>");
  await accessible(page);
  await fits(page);
  await agent.call("POST", "/api/files/release", { session_id: session, agent_id: "a<1>" });
  await expect(page.getByTestId("held")).toBeHidden();
});
