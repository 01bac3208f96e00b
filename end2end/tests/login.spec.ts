import { accessible, expect, test } from "../fixtures.ts";
import { Server } from "../server.ts";

test("a server with a token asks people to log in, once", async ({ page }) => {
  const server = await Server.start({ SWELL_API_TOKEN: "a-token-of-some-length" });
  try {
    await page.goto(`${server.url}/plan`);
    await expect(page.getByTestId("login-form")).toBeVisible();
    await accessible(page);
    await page.getByLabel("Token").fill("not the token at all");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByTestId("login-error")).toBeVisible();
    await page.getByLabel("Token").fill("a-token-of-some-length");
    await page.getByRole("button", { name: "Log in" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await page.goto(`${server.url}/`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sessions");
    await expect(page.locator(".badge.is-live")).toBeVisible();
    expect((await fetch(`${server.url}/api/sessions`)).status).toBe(401);
  } finally {
    await server.remove();
  }
});

test("the API page reads without scripts", async ({ page, baseURL }) => {
  await page.goto("/api/docs");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Swell API");
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.reload();
  expect(requests.filter((url) => !url.startsWith(baseURL!))).toEqual([]);
  await accessible(page);
});
