// What an official JavaScript client, @kurrent/kurrentdb-client, makes of the double.
//
// Usage: node client.mjs DOUBLE [OPTION...], where DOUBLE is the program `esdb-double` and the options
// are its own. Ends with `N passed, N failed`.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";

import {
  BACKWARDS,
  KurrentDBClient,
  ANY,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  UnavailableError,
  WrongExpectedVersionError,
  binaryEvent,
  eventTypeFilter,
  jsonEvent,
  streamNameFilter,
} from "@kurrent/kurrentdb-client";

/** The status of gRPC. */
const UNAVAILABLE = 14;

const command = process.argv.slice(2);
const cases = {};

/** The double, as a process that is told what to do by lines. */
class Double {
  static async start([program, ...options]) {
    const double = new Double();
    double.process = spawn(program, options, { stdio: ["pipe", "pipe", "inherit"] });
    double.lines = createInterface({ input: double.process.stdout })[Symbol.asyncIterator]();
    double.uri = (await double.lines.next()).value;
    return double;
  }

  async tell(line) {
    this.process.stdin.write(`${line}\n`);
    const answer = (await this.lines.next()).value;
    assert.match(answer, /^ok/, line);
    return answer.slice(3);
  }

  client(options = "") {
    return KurrentDBClient.connectionString(this.uri.replace("esdb:", "kurrentdb:") + options);
  }

  stop() {
    this.process.stdin.end();
  }
}

const event = (data = {}, type = "DeploymentRequested") =>
  jsonEvent({ id: randomUUID(), type, data, metadata: { $correlationId: randomUUID() } });

const events = (count, type) => Array.from({ length: count }, (_, number) => event({ number }, type));

const ids = (list) => list.map((it) => (it.event ?? it).id);

async function all(reading) {
  const read = [];
  for await (const it of reading) read.push(it);
  return read;
}

/** The next events of a subscription. */
async function take(count, subscription) {
  const taken = [];
  for await (const it of subscription) {
    taken.push(it);
    if (taken.length === count) return taken;
  }
  throw new Error(`it ended after ${taken.length}`);
}

cases["an append with the right revision is read both ways"] = async (client) => {
  const sent = events(5);
  const first = await client.appendToStream("lane-a", sent, { streamState: NO_STREAM });
  assert.equal(first.nextExpectedRevision, 4n);
  const later = await client.appendToStream("lane-a", event(), { streamState: 4n });
  assert(later.position.commit > first.position.commit);
  const forwards = await all(client.readStream("lane-a"));
  assert.deepEqual(ids(forwards).slice(0, 5), ids(sent));
  assert.deepEqual(forwards[3].event.data, { number: 3 });
  assert.equal(forwards[5].event.position.commit, later.position.commit);
  assert(Math.abs(Date.now() - forwards[0].event.created.getTime()) < 60_000);
  const backwards = await all(client.readStream("lane-a", { direction: BACKWARDS, fromRevision: "end", maxCount: 2 }));
  assert.deepEqual(backwards.map((it) => it.event.revision), [5n, 4n]);
  const rest = await all(client.readStream("lane-a", { fromRevision: 4n }));
  assert.deepEqual(rest.map((it) => it.event.revision), [4n, 5n]);
};

cases["an append with a wrong revision is refused"] = async (client) => {
  await client.appendToStream("lane-b", events(3), { streamState: NO_STREAM });
  for (const streamState of [NO_STREAM, 0n, 7n]) {
    await assert.rejects(client.appendToStream("lane-b", event(), { streamState }), (error) => {
      assert(error instanceof WrongExpectedVersionError);
      assert.equal(error.actualState, 2n);
      return true;
    });
  }
  const none = client.appendToStream("lane-none", event(), { streamState: STREAM_EXISTS });
  await assert.rejects(none, WrongExpectedVersionError);
  assert.equal((await all(client.readStream("lane-b"))).length, 3);
};

cases["the same ids are recorded once"] = async (client) => {
  const sent = events(3);
  const first = await client.appendToStream("lane-c", sent, { streamState: NO_STREAM });
  await client.appendToStream("lane-c", events(2), { streamState: 2n });
  for (const streamState of [NO_STREAM, ANY]) {
    const again = await client.appendToStream("lane-c", sent, { streamState });
    assert.deepEqual([again.nextExpectedRevision, again.position], [2n, first.position]);
  }
  const partly = client.appendToStream("lane-c", [sent[0], event()], { streamState: NO_STREAM });
  await assert.rejects(partly, WrongExpectedVersionError);
  assert.equal((await all(client.readStream("lane-c"))).length, 5);
};

cases["bytes stay bytes"] = async (client) => {
  const data = Buffer.from([0, 255, 10]);
  await client.appendToStream("lane-bytes", binaryEvent({ type: "Bytes", data, metadata: data }));
  const [{ event }] = await all(client.readStream("lane-bytes"));
  assert.equal(event.isJson, false);
  assert.deepEqual([Buffer.from(event.data), Buffer.from(event.metadata)], [data, data]);
};

cases["what is not there is not found, and what was buried is deleted"] = async (client) => {
  await assert.rejects(all(client.readStream("lane-nowhere")), StreamNotFoundError);
  await client.appendToStream("lane-d", events(2));
  await client.deleteStream("lane-d", { expectedRevision: 1n });
  await assert.rejects(all(client.readStream("lane-d")), StreamNotFoundError);
  await client.appendToStream("lane-d", event(), { streamState: NO_STREAM });
  assert.deepEqual((await all(client.readStream("lane-d"))).map((it) => it.event.revision), [2n]);
  await client.tombstoneStream("lane-d");
  await assert.rejects(all(client.readStream("lane-d")), StreamDeletedError);
};

cases["all is read filtered both ways"] = async (client) => {
  const sent = events(4, "FilteredIn");
  await client.appendToStream("filtered-1", sent);
  await client.appendToStream("other-1", events(4));
  const byType = await all(client.readAll({ filter: eventTypeFilter({ prefixes: ["FilteredIn"] }) }));
  assert.deepEqual(ids(byType), ids(sent));
  const byStream = { filter: streamNameFilter({ regex: "^filtered-\\d$" }) };
  assert.deepEqual(ids(await all(client.readAll(byStream))), ids(sent));
  const backwards = await all(client.readAll({ ...byStream, direction: BACKWARDS, fromPosition: "end" }));
  assert.deepEqual(ids(backwards), ids(sent).reverse());
  const everything = await all(client.readAll());
  assert(everything.some((it) => it.event.type === "$metadata"));
  const positions = everything.map((it) => it.event.position.commit);
  assert(positions.every((it, at) => at === 0 || it > positions[at - 1]));
};

cases["links are resolved"] = async (client) => {
  await client.appendToStream("shop-1", events(2, "ShopOpened"));
  for (const stream of ["$ce-shop", "$et-ShopOpened"]) {
    const resolved = await all(client.readStream(stream, { resolveLinkTos: true }));
    assert.deepEqual(resolved.map((it) => it.event.revision), [0n, 1n]);
    assert.deepEqual(resolved.map((it) => it.link.streamId), [stream, stream]);
  }
};

cases["a subscription catches up and goes on live"] = async (client) => {
  const [before, after] = [events(40, "Caught"), events(40, "Caught")];
  await client.appendToStream("catch-1", before);
  const checkpoints = [];
  const subscription = client.subscribeToAll({
    filter: eventTypeFilter({
      prefixes: ["Caught"],
      checkpointReached: (_, position) => checkpoints.push(position),
    }),
  });
  const live = new Promise((resolve) => subscription.once("caughtUp", resolve));
  const taking = take(80, subscription);
  await live;
  assert(checkpoints.length > 0);
  for (const it of after) await client.appendToStream("catch-1", it);
  const taken = await taking;
  assert.deepEqual(ids(taken), ids([...before, ...after]));
  const rest = client.subscribeToAll({
    fromPosition: taken[49].event.position,
    filter: eventTypeFilter({ prefixes: ["Caught"] }),
  });
  assert.deepEqual(ids(await take(30, rest)), ids(after.slice(10)));
  const one = client.subscribeToStream("catch-1", { fromRevision: 77n });
  assert.deepEqual(ids(await take(2, one)), ids(after.slice(38)));
};

cases["a client goes on after a restart"] = async (client, double) => {
  const sent = events(2);
  const first = await client.appendToStream("again-1", sent, { streamState: NO_STREAM });
  await double.tell("stop 0");
  // As an error of the client's own, or as gRPC's if the connection is lost before the call begins.
  const away = (error) => error instanceof UnavailableError || error.code === UNAVAILABLE;
  await assert.rejects(client.appendToStream("again-1", sent, { streamState: NO_STREAM }), away);
  await double.tell("restart 0");
  const fresh = double.client();
  const again = await fresh.appendToStream("again-1", sent, { streamState: NO_STREAM });
  assert.deepEqual(again.position, first.position);
  await fresh.dispose();
};

cases["an append without an answer is settled by trying again"] = async (_, double) => {
  const client = double.client();
  await client.appendToStream("lost-1", event(), { streamState: NO_STREAM });
  const sent = events(2);
  await double.tell("drop-answers 1");
  await assert.rejects(client.appendToStream("lost-1", sent, { streamState: 0n }));
  await double.tell("clear");
  const fresh = double.client();
  await fresh.appendToStream("lost-1", sent, { streamState: 0n });
  assert.deepEqual(ids(await all(fresh.readStream("lost-1"))).slice(1), ids(sent));
  await client.dispose();
  await fresh.dispose();
};

cases["a client finds the leader of a cluster"] = async () => {
  const cluster = await Double.start([...command, "--nodes", "3"]);
  await cluster.tell("lead 2");
  const client = cluster.client("&nodePreference=leader");
  const sent = events(3);
  await client.appendToStream("moved-1", sent, { streamState: NO_STREAM });
  assert.deepEqual(ids(await all(client.readStream("moved-1"))), ids(sent));
  await client.dispose();
  cluster.stop();
};

let [passed, failed] = [0, 0];
const double = await Double.start(command);
const client = double.client();
for (const [name, run] of Object.entries(cases)) {
  try {
    await run(client, double);
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}`);
    console.log(error);
    await double.tell("clear");
    await double.tell("restart 0");
  }
}
double.stop();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
