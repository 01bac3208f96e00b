import { accessible, expect, fits, open, test } from "../fixtures.ts";

test("a job is decomposed, launched into a session, and seen there", async ({ page, session }) => {
  await open(page, "/plan", false);
  await page.getByLabel("Task").fill("Build a complete user management system with authentication and profiles");
  await page.getByTestId("submit").click();
  await expect(page.getByTestId("step")).toHaveCount(4);
  await expect(page.getByTestId("plan-wave")).toHaveCount(3);
  await expect(page.getByTestId("total-turns")).toHaveText("33");
  await accessible(page);
  await fits(page);

  await page.getByTestId("launch-form").getByLabel("Session").fill(session);
  await page.getByTestId("launch-form").getByTestId("submit").click();
  await page.getByTestId("launched").getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(session);
  await expect(page.getByTestId("wave")).toHaveCount(3);
});

test("a stored plan has a page of its own", async ({ page, agent }) => {
  const plan = await agent.call("POST", "/api/orchestration/decompose", { task_description: "Fix the login page" });
  await open(page, `/plan/${plan.plan_id}`, false);
  await expect(page.getByTestId("step")).toHaveCount(plan.subtasks.length);
});

test("a plan is changed, drawn while one types, forecast, kept as a new one and launched", async ({ page, agent, session }) => {
  const plan = await agent.call("POST", "/api/orchestration/decompose", { task_description: "Fix the login page" });
  await open(page, `/plan/${plan.plan_id}`, false);
  await page.getByTestId("edit-plan").click();
  const steps = page.getByTestId("edit-step");
  await expect(steps).toHaveCount(3);
  await page.getByTestId("add-step").click();
  await expect(steps).toHaveCount(4);
  const step = (n: number) => steps.nth(n);
  await step(3).getByLabel("Agent type").fill("docs-writer");
  await step(3).getByLabel("What to do").fill("Say what changed");
  await step(3).getByLabel("After steps").fill("0");
  await step(3).getByLabel("Files it may touch").fill("docs/login.md");
  await step(1).getByLabel("Directories it may touch").fill("docs");
  // Drawn beside the step that it would run with, and said so.
  await expect(page.getByTestId("plan-graph").getByTestId("step")).toHaveCount(4);
  await expect(page.getByTestId("overlaps")).toContainText("#1, #3 may touch docs/login.md");
  await accessible(page);
  await fits(page);
  // A circle is told, and what is drawn stays.
  await step(0).getByLabel("After steps").fill("3");
  await expect(page.getByTestId("form-problem")).toContainText("circle");
  await step(0).getByLabel("After steps").fill("");
  await step(3).getByLabel("After steps").fill("1");
  await expect(page.getByTestId("overlaps")).toBeHidden();
  await step(2).getByTestId("remove-step").click();
  await expect(steps).toHaveCount(3);
  await page.getByRole("button", { name: "Keep as a new plan" }).click();
  await expect(page).not.toHaveURL(new RegExp(plan.plan_id));
  await expect(page.getByTestId("plan-steps").getByRole("listitem").filter({ hasText: "Say what changed" })).toContainText("docs/login.md");
  await accessible(page);

  await page.getByTestId("launch-form").getByLabel("Session").fill(session);
  await page.getByTestId("launch-form").getByTestId("submit").click();
  await page.getByTestId("launched").getByRole("link").first().click();
  await page.getByText("Say what changed").click();
  await expect(page.getByTestId("bounds")).toContainText("docs/login.md");
  // The plan that it was made from is as it was.
  expect((await agent.call("GET", `/api/orchestration/plans/${plan.plan_id}`)).subtasks).toEqual(plan.subtasks);
});

test("a launch says which steps meet, or makes one wait for the other", async ({ page, agent, session }) => {
  const step = (n: number) => ({ agent_type: "Snipper", description: `Change ${n}`, target_files: ["src/a.rs"] });
  const plan = await agent.call("POST", "/api/orchestration/plans", { task_description: "Twice", subtasks: [step(1), step(2)] });
  const launch = async (name: string, how: string) => {
    await open(page, `/plan/${plan.plan_id}`, false);
    const form = page.getByTestId("launch-form");
    await form.getByLabel("Session").fill(name);
    await form.getByLabel("Steps that meet").selectOption(how);
    await form.getByTestId("submit").click();
  };
  await launch(session, "warn");
  await expect(page.getByTestId("launch-warnings")).toContainText("src/a.rs");
  await accessible(page);
  await launch(`${session}-2`, "serialize");
  await expect(page.getByTestId("launched")).toBeVisible();
  await expect(page.getByTestId("launch-warnings")).toBeHidden();
  const { subtasks } = await agent.call("GET", `/api/subtasks?session=${session}-2`);
  expect(subtasks.map((subtask: any) => subtask.status).sort()).toEqual(["blocked", "pending"]);
  await launch(`${session}-3`, "reject");
  await expect(page.getByTestId("form-problem")).toContainText("may touch src/a.rs");
});

test("a prompt is crafted within its budget and can be copied", async ({ page, context, baseURL }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: baseURL });
  await open(page, "/prompt", false);
  await page.getByLabel("Task", { exact: true }).fill("Add user authentication to the API");
  await page.getByLabel("Agent type").fill("backend-laravel");
  await page.getByLabel("Target files").fill("app/Http/Controllers/AuthController.php\nroutes/api.php");
  await page.getByLabel("Budget").fill("2000");
  await page.getByTestId("submit").click();
  await expect(page.getByTestId("crafted-prompt")).toContainText("# Task for Laravel Backend Developer");
  await expect(page.getByTestId("complexity")).toContainText(/moderate/i);
  await expect(page.getByTestId("model")).toContainText(/sonnet/i);
  await expect(page.getByTestId("turns")).toContainText("10");
  await page.getByTestId("copy").click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("delete migrations, drop tables");
  await accessible(page);
  await fits(page);
});

test("a form that is not valid says what to change, and keeps what was typed", async ({ page }) => {
  await open(page, "/prompt", false);
  await page.getByLabel("Task", { exact: true }).fill("Do it");
  await page.getByLabel("Agent type").fill("docs-writer");
  await page.getByLabel("Target files").fill("x".repeat(1_100));
  await page.getByTestId("submit").click();
  await expect(page.getByTestId("form-problem")).toContainText("target_files");
  await expect(page.getByLabel("Task", { exact: true })).toHaveValue("Do it");
});

test("the prompt is there while one types, and its tokens are drawn by section", async ({ page }) => {
  await open(page, "/prompt", false);
  await page.getByLabel("Task").fill("Write the tests of the importer");
  await page.getByLabel("Agent type").fill("test-engineer");
  await expect(page.getByTestId("crafted-prompt")).toContainText("Write the tests of the importer");
  expect(await page.getByTestId("parts-bar").locator("rect").count()).toBeGreaterThan(1);
  await page.getByLabel("Task").fill("Write the tests of the exporter");
  await expect(page.getByTestId("crafted-prompt")).toContainText("exporter");
});
