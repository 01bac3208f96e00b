import { expect, open, test } from "../fixtures.ts";

const spread = (values: number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms (${sorted.length})`;
};

test("from a PATCH to the changed pixel", async ({ page, agent, session }) => {
  const tasks = Array.from({ length: 100 }, (_, n) => ({ agent_type: "Snipper", description: `Rename ${n}` }));
  const { subtasks } = await agent.submit(session, 1, tasks);
  await agent.start(session, 1);
  for (const view of ["table", "graph", "timeline"]) {
    await open(page, `/sessions/${session}?view=${view}`);
    const taken: number[] = [];
    // A drawing has only what is in sight.
    const there = await page.evaluate(
      (ids) => ids.filter((id) => document.querySelector(`[data-subtask="${id}"], [data-card="${id}"], [data-lane="${id}"]`)),
      subtasks,
    );
    for (const id of there.slice(0, 25)) {
      const status = view === "graph" ? "paused" : "running";
      const seen = page.evaluate(
        ([id, status]) =>
          new Promise<number>((done) => {
            const element = document.querySelector(`[data-subtask="${id}"], [data-card="${id}"], [data-lane="${id}"]`)!;
            new MutationObserver((_, observer) => {
              if (element.getAttribute("data-status") !== status) return;
              observer.disconnect();
              // After the frame that paints it.
              requestAnimationFrame(() => setTimeout(() => done(Date.now())));
            }).observe(element, { attributes: true });
          }),
        [id, status],
      );
      await page.waitForTimeout(20);
      const sent = Date.now();
      await agent.patch(id, { status });
      taken.push((await seen) - sent);
    }
    console.log(`PATCH → pixel, ${view}: ${spread(taken)}`);
  }
});

test("frames with 5,000 subtasks, scrolled while 50 of them change a second", async ({ page, agent, session }) => {
  const ids: string[] = [];
  for (let wave = 1; wave <= 10; wave++) {
    const tasks = Array.from({ length: 500 }, (_, n) => ({
      task_id: `${wave}-${n}`, agent_type: "Snipper", description: `Rename the helper ${wave}.${n}`,
      blocked_by: n % 4 === 3 ? [`${wave}-${n - 1}`, `${wave}-${n - 2}`] : [],
    }));
    ids.push(...(await agent.submit(session, wave, tasks)).subtasks);
  }
  await agent.start(session, 1);
  const views: [string, string, number][] = [
    ["graph", "Subtasks by wave", 0],
    ["graph", "Subtasks by wave", 4],
    ["timeline", "Subtasks over time", 0],
  ];
  let next = 0;
  for (const [view, region, smaller] of views) {
    const began = Date.now();
    await open(page, `/sessions/${session}?view=${view}`);
    await expect(page.locator(".load-all")).toHaveCount(0, { timeout: 60_000 });
    const loaded = Date.now() - began;
    for (let n = 0; n < smaller; n++) await page.getByTestId("zoom-out").click();
    await page.waitForTimeout(1_500);
    let changing = true;
    const changes = (async () => {
      while (changing && next < 480) {
        const id = ids[next++];
        if (next % 4 !== 0) await agent.patch(id, { status: "running" }).catch(() => {});
        await new Promise((done) => setTimeout(done, 15));
      }
    })();
    const frames = await page.getByRole("region", { name: region }).evaluate(
      (element) =>
        new Promise<number[]>((done) => {
          const frames: number[] = [];
          let last = performance.now();
          const end = last + 4_000;
          let by = 60;
          const step = (now: number) => {
            frames.push(now - last);
            last = now;
            const before = [element.scrollLeft, element.scrollTop].join();
            element.scrollBy(by, by / 4);
            if ([element.scrollLeft, element.scrollTop].join() === before) by = -by;
            if (now < end) requestAnimationFrame(step);
            else done(frames.slice(1));
          };
          requestAnimationFrame(step);
        }),
    );
    changing = false;
    await changes;
    const size = smaller ? `${await page.getByTestId("zoom").textContent()}, ` : "";
    console.log(`frames, ${view}: ${size}all there after ${loaded} ms; ${spread(frames)}`);
  }
});
