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
  await expect(page.getByTestId("lease-until")).toHaveText(/holds it for [45] m/);
  await agent.call("POST", "/api/actions", {
    subtask_id: subtasks[0], tool_name: "Bash", input: { command: "cargo test --all\nsecond line" }, usage: { tokens_used: 1200 },
  });
  await expect(page.getByTestId("action")).toContainText("cargo test --all");
  await expect(page.getByTestId("drawer")).toContainText("1\u202f200 tokens");
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

test("a wave is cancelled from its head, and a batch from its page, each after a question", async ({ page, agent, session }) => {
  await agent.submit(session, 0, pair);
  const { batch } = await agent.submit(session, 1, pair);
  await agent.start(session, 0);
  await open(page, `/sessions/${session}?wave=0`);
  await page.getByRole("button", { name: "Cancel wave 0" }).click();
  await page.getByRole("button", { name: "Cancel it" }).click();
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "failed");
  await expect(page.getByTestId("cancel-wave")).toBeHidden();
  await expect(page.getByText("2 subtasks are cancelled.")).toBeVisible();
  await open(page, `/batches/${batch}`);
  await page.getByTestId("cancel-batch").click();
  await page.getByRole("button", { name: "Cancel it" }).click();
  await expect(page.getByTestId("failed")).toHaveText("2");
  await expect(page.getByTestId("cancel-batch")).toBeHidden();
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

test("a wave waits for a person's word, whose comment its agents read", async ({ page, agent, session }) => {
  await agent.call("POST", `/api/waves/${session}/create`, { wave_number: 0, requires_approval: true });
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}`);
  const need = page.getByTestId("need");
  await expect(need).toContainText("Wave 0 waits for approval.");
  await expect(page.getByTestId("start-wave")).toBeHidden();
  await accessible(page);
  await fits(page);
  await page.getByRole("button", { name: "Reject" }).click();
  await expect(need).toBeHidden();
  await page.getByLabel("Comment for the agents of wave 0").fill("Mind the <b>old</b> clients.");
  await page.getByRole("button", { name: "Approve wave 0" }).click();
  await page.getByRole("button", { name: "Start wave 0" }).click();
  await expect(page.getByTestId("wave")).toHaveAttribute("data-status", "running");
  const { crafted_prompt } = await agent.call("POST", "/api/orchestration/craft-prompt", {
    task_description: "Go on", agent_type: "Snipper", session_id: session, wave_number: 0,
  });
  expect(crafted_prompt).toContain("Mind the <b>old</b> clients.");
});

test("what is spent, and what is done beyond a scope, is told as it happens", async ({ page, agent, session }) => {
  const task = {
    agent_type: "Snipper", description: "Tidy up", target_directories: ["docs/"], forbidden_actions: ["Bash(git push *)"],
  };
  const { subtasks } = await agent.submit(session, 0, [task, { ...task, description: "Tidy more" }]);
  await agent.start(session, 0);
  await open(page, `/sessions/${session}`);
  await expect(page.getByTestId("spent")).toBeHidden();
  const needs = page.getByTestId("need");
  await expect(needs).toHaveCount(0);
  await agent.call("PUT", `/api/sessions/${session}/budget`, { soft: { tokens_used: 1000 }, hard: { tokens_used: 2500, cost_usd: 1 } });
  await expect(page.getByTestId("spent")).toContainText("0 of 2");

  const act = (tokens_used: number) =>
    agent.call("POST", "/api/actions", {
      subtask_id: subtasks[0], tool_name: "Edit", file_paths: ["src/<b>.rs"], usage: { tokens_used, cost_usd: 0.25 },
    });
  await act(1500);
  await expect(page.getByTestId("spent")).toHaveText("1\u202f500 of 2\u202f500 tokens, $0.25 of $1.00");
  await expect(needs).toHaveCount(2);
  await expect(needs.nth(0)).toContainText("Files outside the subtask's scope were changed: src/<b>.rs");
  await expect(needs.nth(1)).toContainText("The soft budget is spent.");
  await act(1500);
  await expect(needs.nth(0)).toContainText("no more work is handed out");
  const claimed = await agent.call("POST", "/api/subtasks/claim", { agent_id: "a", session_id: session });
  expect(claimed).toEqual({ success: true, claims: [], held_back: "budget" });
  await accessible(page);
  await fits(page);
  await needs.nth(1).click();
  await expect(page).toHaveURL(new RegExp(`subtask=${subtasks[0]}`));
  await expect(needs).toHaveCount(2);
  await agent.call("POST", "/api/actions", { subtask_id: subtasks[0], tool_name: "Bash", input: { command: "git push" } });
  await expect(needs).toHaveCount(3);
  await expect(needs.nth(2)).toContainText("A forbidden action was taken: Bash(git push *)");
  await expect(page.getByTestId("log")).toContainText("forbidden: Bash(git push *)");
});

test("a person sets what a session may spend", async ({ page, agent, session }) => {
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}`);
  await page.getByRole("button", { name: "Budget" }).click();
  const dialog = page.getByRole("dialog", { name: "Budget" });
  await expect(dialog.getByLabel("Warn at tokens")).toHaveValue("");
  await accessible(page);
  await dialog.getByLabel("Stop at tokens").fill("lots");
  await dialog.getByLabel("Stop at US dollars").fill("$2.50");
  await dialog.getByRole("button", { name: "Set budget" }).click();
  await expect(dialog.getByRole("alert")).toContainText("must be a number like");
  await dialog.getByLabel("Stop at tokens").fill("2,500");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(page.getByTestId("spent")).toHaveText("0 of 2\u202f500 tokens, $0.00 of $2.50");
  const { budget } = await agent.call("GET", `/api/sessions/${session}`);
  expect(budget).toEqual({ soft: {}, hard: { tokens_used: 2500, cost_usd: 2.5 } });

  await page.getByRole("button", { name: "Budget" }).click();
  await expect(dialog.getByLabel("Stop at US dollars")).toHaveValue("2.5");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("button", { name: "Budget" })).toBeFocused();
});

test("files that agents hold are listed as it happens", async ({ page, agent, session }) => {
  await agent.submit(session, 0, pair);
  await open(page, `/sessions/${session}?view=files`);
  await expect(page.getByTestId("held")).toBeHidden();
  await agent.call("POST", "/api/files/reserve", { session_id: session, agent_id: "a<1>", paths: ["src/**"] });
  await expect(page.getByTestId("held")).toContainText("src/**");
  await expect(page.getByTestId("held")).toContainText("a<1>");
  await expect(page.getByTestId("held")).toContainText(/for (9 m 5\d s|10 m 00 s)/);
  await accessible(page);
  await fits(page);
  await agent.call("POST", "/api/files/release", { session_id: session, agent_id: "a<1>" });
  await expect(page.getByTestId("held")).toBeHidden();
});
