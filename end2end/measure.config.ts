// How long things take on a page: not a test, so that no test depends on the machine.
//   npx playwright test --config measure.config.ts
import base from "./playwright.config.ts";

export default {
  ...base,
  testDir: "measure",
  workers: 1,
  timeout: 300_000,
  reporter: [["line"]],
  // A recorder takes pictures of the page and of its document while it runs, on the same two cores.
  use: { ...base.use, trace: "off" as const },
};
