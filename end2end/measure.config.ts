// How long things take on a page: not a test, so that no test depends on the machine.
//   npx playwright test --config measure.config.ts
import base from "./playwright.config.ts";

export default { ...base, testDir: "measure", workers: 1, timeout: 300_000, reporter: [["line"]] };
