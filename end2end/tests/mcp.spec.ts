// The Model Context Protocol with its official client: over HTTP in both lives of the protocol (with the
// handshake and without), and over standard input and output. No browser is needed.
import { Client, StreamableHTTPClientTransport, type Transport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "../fixtures.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const http = (url: string) => new StreamableHTTPClientTransport(new URL("/mcp", url));
const stdio = (url: string) =>
  new StdioClientTransport({ command: join(root, "target/release/swell"), args: ["mcp", "--url", url] });

const ways: [string, (url: string) => Transport, "legacy" | "auto", string][] = [
  ["over HTTP", http, "auto", "2026-07-28"],
  ["over HTTP with a handshake", http, "legacy", "2025-11-25"],
  ["over standard input and output", stdio, "auto", "2026-07-28"],
  ["over standard input and output with a handshake", stdio, "legacy", "2025-11-25"],
];

for (const [way, transport, mode, version] of ways) {
  test(`agents plan, work and report ${way}`, async ({ agent }) => {
    const client = new Client({ name: "end2end", version: "1" }, { versionNegotiation: { mode } });
    await client.connect(transport(agent.url));
    try {
      expect(client.getNegotiatedProtocolVersion()).toBe(version);
      const done = async (name: string, args: object): Promise<any> => {
        // The client holds structured answers against the tool's schema.
        const result = await client.callTool({ name, arguments: args as Record<string, unknown> });
        expect(result.isError, JSON.stringify(result.content)).not.toBe(true);
        return result.structuredContent;
      };
      const session = `mcp ${way}`;
      const { tools } = await client.listTools();
      expect(tools.find((tool) => tool.name === "claim")?.inputSchema.required).toEqual(["agent_id"]);

      const plan = await done("decompose", { task_description: "Add tests to the react login form" });
      const launched = await done("launch_plan", { plan_id: plan.plan_id, session_id: session });
      await done("start_wave", { session_id: session, wave_number: launched.waves[0].wave_number });
      const claimed = await done("claim", { agent_id: "a1", session_id: session });
      const [{ subtask, lease }] = claimed.claims;
      await done("reserve_files", { session_id: session, agent_id: "a1", subtask_id: subtask.id, paths: ["src/login.tsx"] });
      const other = { session_id: session, agent_id: "a2", paths: ["src/**"] };
      const held = await client.callTool({ name: "reserve_files", arguments: other });
      expect(held.isError).toBe(true);
      expect(JSON.stringify(held.content)).toContain("a1");
      await done("heartbeat", { subtask_id: subtask.id, token: lease.token });
      const result = { summary: "Done", files: ["src/login.tsx"], tokens_used: 1200 };
      await done("report", { subtask_id: subtask.id, token: lease.token, status: "completed", result });
      const status = await done("status", { session_id: session });
      expect(status.usage.tokens_used).toBe(1200);
      const rows = await done("list_subtasks", { session_id: session, status: "completed" });
      expect(rows.subtasks.map((row: { id: string }) => row.id)).toEqual([subtask.id]);
      await done("craft_prompt", { task_description: "Go on", agent_type: "Snipper", session_id: session });
      const folded = await done("complete_batch", { batch_id: subtask.batch_id });
      expect(await done("synthesis", { batch_id: subtask.batch_id })).toEqual(folded.synthesis);
      await done("list_sessions", {});

      const uri = `swell://sessions/${encodeURIComponent(session)}`;
      expect((await client.listResources()).resources.map((resource) => resource.uri)).toContain(uri);
      const read = await client.readResource({ uri: `swell://batches/${subtask.batch_id}/synthesis` });
      expect(read.contents[0]).toMatchObject({ mimeType: "text/markdown" });
      const prompt = await client.getPrompt({ name: "worker", arguments: { agent_id: "a1" } });
      expect(JSON.stringify(prompt.messages)).toContain("You are agent `a1`");
    } finally {
      await client.close();
    }
  });
}
