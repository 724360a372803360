// A real server in a process of its own, and the command line as another process.
import { spawn, execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const program = process.env.SHIPLOG;
const surroundings = { ...process.env, SHIPLOG_LOG: "error", XDG_CONFIG_HOME: "/nonexistent" };

/// A new directory for data.
export const fresh = () => join(mkdtempSync(join(process.env.SCRATCH, "data-")), "data");

/// Starts a server on a directory, at a free port or at that of an earlier one.
export async function serve(data, { listen = "127.0.0.1:0", demo = false } = {}) {
  const child = spawn(program, ["serve", "--data", data, "--listen", listen, ...(demo ? ["--demo"] : [])], { env: surroundings, stdio: ["ignore", "pipe", "inherit"] });
  const url = await new Promise((found, failed) => {
    let said = "";
    child.stdout.on("data", (more) => {
      said += more;
      const listens = /shiplog listens at (\S+) and keeps/.exec(said);
      if (listens) found(listens[1]);
    });
    child.on("exit", (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
  });
  const ended = new Promise((end) => child.on("exit", end));
  const end = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  process.on("exit", () => child.kill("SIGKILL"));
  const send = async (method, path, body) => {
    const answer = await fetch(url + path, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    data, url, end, send,
    address: url.replace("http://", ""),
    /// Reports a deployment.
    report: (service, environment, version, more = {}) => send("POST", "/v1/deployments", { service, environment, release: { version }, status: "succeeded", intent: "deploy", ...more }),
    /// Runs the command line against it, as anybody would elsewhere.
    cli: (...words) => promisify(execFile)(program, [...words, "--server", url], { env: surroundings }),
  };
}
