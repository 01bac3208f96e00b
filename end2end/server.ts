// A real Swell for each worker: the release binary on a free port over an embedded Postgres of its
// own, stopped by process id.
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

export class Server {
  private process?: ChildProcess;
  private readonly data = mkdtempSync(join(tmpdir(), "swell-e2e-"));
  private constructor(
    private readonly port: number,
    private readonly extra: Record<string, string>,
  ) {
    // Postgres runs as another user when the tests run as root.
    chmodSync(this.data, 0o755);
  }

  static async start(extra: Record<string, string> = {}): Promise<Server> {
    const server = new Server(await freePort(), extra);
    await server.up();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async up(): Promise<void> {
    const child = spawn(join(root, "target/release/swell"), ["serve"], {
      cwd: root,
      env: {
        ...process.env,
        SWELL_LISTEN: `127.0.0.1:${this.port}`,
        SWELL_DATA_DIR: this.data,
        SWELL_SITE_DIR: join(root, "target/site"),
        SWELL_LOG: "warn",
        ...this.extra,
      },
      stdio: ["ignore", "ignore", "inherit"],
    });
    this.process = child;
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`swell ended with ${child.exitCode}`);
      const ready = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      if (ready?.ok) return;
      if (Date.now() > deadline) throw new Error("swell did not get ready in a minute");
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  /** Stops the server as an operator would, and leaves its data. */
  async down(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.data, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
