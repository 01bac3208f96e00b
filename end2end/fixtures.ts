// What every browser test has: a server of its worker, an agent that talks to it over REST, and a
// page that fails the test when the browser complains.
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Server } from "./server.ts";

export class Agent {
  constructor(readonly url: string) {}

  async call<T = any>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Submits a batch; gives its id and the ids of its subtasks. */
  async submit(session: string, wave: number, tasks: object[]): Promise<{ batch: string; subtasks: string[] }> {
    const answer = await this.call("POST", "/api/orchestration/batch-submit", {
      session_id: session,
      wave_number: wave,
      tasks,
    });
    return { batch: answer.batch.id, subtasks: answer.batch.subtask_ids };
  }

  start(session: string, wave: number) {
    return this.call("POST", `/api/waves/${encodeURIComponent(session)}/start`, { wave_number: wave });
  }

  patch(subtask: string, body: object) {
    return this.call("PATCH", `/api/subtasks/${subtask}`, body);
  }
}

/** Two tasks, the second waiting for the first. */
export const pair = [
  { task_id: "api", agent_type: "backend-laravel", description: "Create User CRUD endpoints", priority: 8 },
  { task_id: "ui", agent_type: "frontend-react", description: "Build user management UI", priority: 7, blocked_by: ["api"] },
];

/** Opens a page and waits until it answers clicks and, where it follows something, is live. */
export async function open(page: Page, path: string, live = true): Promise<void> {
  await page.goto(path);
  await expect(page.locator("body[data-hydrated]")).toBeAttached();
  if (live) await expect(page.locator(".badge.is-live")).toBeVisible();
}

/** No violation that axe knows of, in either theme. */
export async function accessible(page: Page): Promise<void> {
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const found = await new AxeBuilder({ page }).analyze();
    expect(found.violations.map((violation) => `${scheme} ${violation.id}: ${violation.nodes[0]?.html}`)).toEqual([]);
  }
}

/** The page does not scroll sideways as a whole. */
export async function fits(page: Page): Promise<void> {
  for (const width of [390, 1024, 1600]) {
    await page.setViewportSize({ width, height: 800 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(over, `sideways scroll at ${width} px`).toBeLessThanOrEqual(0);
  }
}

let sessions = 0;

export const test = base.extend<{ agent: Agent; session: string; complaints: string[] }, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await use(server);
      await server.remove();
    },
    { scope: "worker" },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  agent: async ({ server }, use) => use(new Agent(server.url)),
  session: async ({}, use, info) => use(`e2e-${info.workerIndex}-${sessions++}`),
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on("console", (message) => {
        // Chromium itself reports every 4xx answer and every socket that a stopped server refuses;
        // refusals and restarts are part of what is tested.
        const own = /^Failed to load resource|^WebSocket connection to .*ERR_CONNECTION_REFUSED/;
        if (["error", "warning"].includes(message.type()) && !own.test(message.text())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      await use(complaints);
      expect(complaints, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
