// What a script finds when it begins, and how its events reach it.
//
// Evaluated before the script, once; returns the hooks that the interpreter's host calls. From then on
// nothing that the language comes with can be changed, so that a script has no place for a state but
// the one that is kept, and cannot deceive what keeps it.
((limits) => {
    "use strict";

    const { stringify, parse } = JSON;
    const { freeze, getPrototypeOf, getOwnPropertyDescriptors, keys } = Object;
    const { defineProperty } = Object;
    const { isArray } = Array;
    const objects = Object.prototype;
    const partitions = new Map();
    let changed = [];
    let lines = [];
    // The partition whose state is handed over; empty where there are none.
    let collected = "";

    // What the script asks for.
    const wanted = { source: null, partitioned: false };
    const handlers = { __proto__: null };
    const results = [];
    let initial = () => ({});
    let partitionOf = null;
    let other;

    class Event {
        #data;
        #metadata;
        #parsedData;
        #parsedMetadata;

        constructor(eventType, streamId, sequenceNumber, position, created, eventId, data, metadata,
            service, environment) {
            this.eventType = eventType;
            this.streamId = streamId;
            this.sequenceNumber = sequenceNumber;
            this.position = position;
            this.created = created;
            this.eventId = eventId;
            this.service = service;
            this.environment = environment;
            this.#data = data;
            this.#metadata = metadata;
        }

        get data() {
            return this.#parsedData ??= parse(this.#data);
        }

        get metadata() {
            return this.#parsedMetadata ??= parse(this.#metadata);
        }

        get body() {
            return this.data;
        }

        get bodyRaw() {
            return this.#data;
        }

        get isJson() {
            return true;
        }

        get number() {
            return this.service === undefined ? undefined : this.data.number;
        }
    }

    // What a stack tells is the script's alone: the frames of this file and of the language are others in
    // another Shiplog, and a stack may end up in a state. The two settings are taken away then: they can
    // be set even where everything is frozen, so a script could keep something there, and the frames
    // would hand it the functions below.
    Error.stackTraceLimit = 64;
    Error.prepareStackTrace = (_, frames) => {
        let stack = "";
        let count = 0;
        for (let index = 0; index < frames.length && count < limits.frames; index++) {
            const frame = frames[index];
            const file = frame.getFileName();
            if (typeof file !== "string" || file === "shiplog") continue;
            const place = `${file}:${frame.getLineNumber()}:${frame.getColumnNumber()}`;
            stack += `    at ${frame.getFunctionName() || "<anonymous>"} (${place})\n`;
            count++;
        }
        return stack;
    };
    delete Error.stackTraceLimit;
    delete Error.prepareStackTrace;

    const need = (condition, message) => {
        if (!condition) throw new TypeError(message);
    };
    const needFunction = (given, who) => {
        need(typeof given === "function", `${who} takes a function, not ${describe(given)}`);
    };
    const describe = (value) => {
        if (value === null) return "null";
        if (typeof value !== "object") return typeof value;
        return isArray(value) ? "an array" : "an object";
    };

    const from = (source) => {
        need(wanted.source === null, "a projection has one source: this is its second one");
        wanted.source = source;
        return freeze({ when, partitionBy, foreachStream, outputState });
    };
    const text = (given, who) => {
        need(typeof given === "string" && given !== "", `${who} takes a text, not ${describe(given)}`);
        return given;
    };
    const fromAll = () => from({ kind: "all", names: [] });
    const fromCategory = (name) => from({ kind: "category", names: [text(name, "fromCategory")] });
    const fromStream = (name) => from({ kind: "streams", names: [text(name, "fromStream")] });
    const fromStreams = (...names) => {
        const all = names.flat().map((name) => text(name, "fromStreams"));
        need(all.length > 0, "fromStreams takes the names of streams");
        return from({ kind: "streams", names: all });
    };

    const partitionBy = (of) => {
        needFunction(of, "partitionBy");
        need(partitionOf === null, "a projection is partitioned once");
        partitionOf = of;
        wanted.partitioned = true;
        return freeze({ when });
    };
    const foreachStream = () => partitionBy((event) => event.streamId);

    const when = (given) => {
        need(given !== null && typeof given === "object",
            `when takes an object of handlers, not ${describe(given)}`);
        need(keys(handlers).length === 0 && other === undefined, "a projection has one `when`");
        for (const name of keys(given)) {
            needFunction(given[name], `the handler \`${name}\``);
            if (name === "$init") initial = given[name];
            else if (name === "$any") other = given[name];
            else if (name.startsWith("$")) {
                need(false, `there is no handler \`${name}\` here: $init and $any are the special ones`);
            } else handlers[name] = given[name];
        }
        return output;
    };
    const transformBy = (transform) => {
        needFunction(transform, "transformBy");
        results.push(transform);
        return output;
    };
    const filterBy = (keep) => {
        needFunction(keep, "filterBy");
        results.push((state) => (keep(state) ? state : null));
        return output;
    };
    const outputState = () => output;
    const output = freeze({ transformBy, filterBy, outputState });

    const log = (...given) => {
        if (lines.length >= limits.logLines) return;
        const words = given.map((one) => (typeof one === "string" ? one : stringify(one) ?? String(one)));
        lines.push(words.join(" ").slice(0, limits.logCharacters).toWellFormed());
    };

    // Half of a pair is no character: JSON can write it down, and who reads that cannot take it.
    const needWellFormed = (given, what) => {
        if (given.isWellFormed()) return;
        const half = given.match(/[\uD800-\uDFFF]/u)[0].charCodeAt(0).toString(16);
        const where = collected === "" ? "" : ` of the partition \`${collected}\``;
        need(false, `${what}${where} has half of a surrogate pair, \\u${half}, which is no character`);
    };

    // Has what JSON would drop dropped now, and refuses what it would change: a state is the same
    // whether it was kept in memory or read back.
    const settle = (value, path, depth) => {
        switch (typeof value) {
            case "string":
                needWellFormed(value, path);
                return value;
            case "boolean":
                return value;
            case "number":
                need(Number.isFinite(value), `${path} is ${value}, which JSON has no word for`);
                return value === 0 ? 0 : value;
            case "object":
                break;
            default:
                need(false, `${path} is a ${typeof value}: a state is made of objects, arrays, texts, ` +
                    "numbers, true, false and null");
        }
        if (value === null) return value;
        need(depth < limits.depth, `${path} is more than ${limits.depth} levels deep, or contains itself`);
        if (isArray(value)) {
            for (let index = 0; index < value.length; index++) {
                const element = value[index];
                const settled = element === undefined ? null : settle(element, `${path}[${index}]`, depth + 1);
                if (settled !== element || !Object.is(settled, element)) value[index] = settled;
            }
            return value;
        }
        const prototype = getPrototypeOf(value);
        need(prototype === objects || prototype === null,
            `${path} is a ${value.constructor?.name ?? "special object"}: a state is made of plain objects, ` +
            "arrays, texts, numbers, true, false and null");
        for (const key of keys(value)) {
            if (!key.isWellFormed()) needWellFormed(key, `a name in ${path}`);
            const element = value[key];
            if (element === undefined) delete value[key];
            else {
                const settled = settle(element, `${path}.${key}`, depth + 1);
                if (!Object.is(settled, element)) value[key] = settled;
            }
        }
        return value;
    };

    const keep = (value, what) => {
        const kept = stringify(settle(value, what, 0));
        need(kept.length <= limits.state,
            `the ${what} has ${kept.length} characters; at most ${limits.state} are kept`);
        return kept;
    };
    const resultOf = (state) => {
        // A copy: what a transformation does to it is not to be kept as the state.
        let result = parse(stringify(state));
        for (const step of results) {
            result = step(result);
            if (result === undefined || result === null) return null;
        }
        return result;
    };

    const partitionAt = (key) => {
        let partition = partitions.get(key);
        if (partition === undefined) {
            need(partitions.size < limits.partitions,
                `there are more than ${limits.partitions} partitions`);
            partition = { state: initial() ?? {}, isChanged: false };
            partitions.set(key, partition);
        }
        return partition;
    };

    const hooks = {
        describe: () => {
            need(wanted.source !== null,
                "nothing says which events it is about: begin with fromAll(), fromCategory(…) or fromStream(…)");
            const types = keys(handlers);
            need(other !== undefined || types.length > 0,
                "no event has a handler: add .when({ DeploymentSucceeded(state, event) { … } })");
            return stringify({
                source: wanted.source,
                types: other === undefined ? types : null,
                partitioned: wanted.partitioned,
                results: results.length > 0,
            });
        },
        restore: (key, state) => {
            partitions.set(key, { state: parse(state), isChanged: false });
        },
        step: (eventType, streamId, sequenceNumber, position, created, eventId, data, metadata, service,
            environment) => {
            const event = new Event(eventType, streamId, sequenceNumber, position, created, eventId, data,
                metadata, service, environment);
            let key = "";
            if (partitionOf !== null) {
                key = partitionOf(event);
                if (key === undefined || key === null || key === "") return;
                key = String(key);
                needWellFormed(key, "a partition's name");
                need(key.length <= limits.key,
                    `a partition's name has ${key.length} characters; at most ${limits.key} are taken`);
            }
            const handler = handlers[event.eventType] ?? other;
            if (handler === undefined) return;
            const partition = partitionAt(key);
            partition.position = event.position;
            const next = handler(partition.state, event);
            if (next !== undefined) partition.state = next;
            if (!partition.isChanged) {
                partition.isChanged = true;
                changed.push(key);
            }
        },
        // Key, state, result (null without one) and position of each partition that has changed, in
        // a row.
        changes: () => {
            const row = [];
            for (const key of changed) {
                const partition = partitions.get(key);
                collected = key;
                partition.isChanged = false;
                row.push(key, keep(partition.state, "state"));
                row.push(results.length > 0 ? keep(resultOf(partition.state), "result") : null);
                row.push(stringify(partition.position));
            }
            changed = [];
            collected = "";
            return row;
        },
        lines: () => {
            const said = lines;
            lines = [];
            return said;
        },
        close: () => {
            freeze(globalThis);
        },
    };

    // No chance and no clock: the same events give the same state.
    const noClock = () => {
        throw new TypeError("there is no clock here: an event says in `created` when it was recorded");
    };
    const RealDate = Date;
    const parsing = function Date(...given) {
        if (new.target === undefined || given.length === 0) noClock();
        return new RealDate(...given);
    };
    parsing.prototype = RealDate.prototype;
    parsing.UTC = RealDate.UTC;
    parsing.parse = RealDate.parse;
    parsing.now = noClock;
    RealDate.prototype.constructor = parsing;
    globalThis.Date = parsing;
    delete Math.random;

    // Data may have such a name: it is one like all others.
    delete objects.__proto__;
    const shadowed = (owner) => {
        const own = getOwnPropertyDescriptors(owner);
        for (const name of Reflect.ownKeys(own)) {
            const { value, writable } = own[name];
            if (!writable) continue;
            defineProperty(owner, name, {
                get: () => value,
                set(given) {
                    need(this !== owner, `\`${String(name)}\` cannot be changed here`);
                    defineProperty(this, name,
                        { value: given, writable: true, enumerable: true, configurable: true });
                },
            });
        }
    };
    shadowed(objects);
    shadowed(Error.prototype);

    const seen = new Set();
    const harden = (value) => {
        if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
        if (seen.has(value)) return;
        seen.add(value);
        const own = getOwnPropertyDescriptors(value);
        for (const name of Reflect.ownKeys(own)) {
            const { value: inner, get, set } = own[name];
            harden(inner);
            harden(get);
            harden(set);
        }
        harden(getPrototypeOf(value));
        freeze(value);
    };
    const globals = { fromAll, fromCategory, fromStream, fromStreams, console: { log } };
    for (const name of keys(globals)) globalThis[name] = globals[name];
    for (const name of Reflect.ownKeys(globalThis)) {
        if (globalThis[name] !== globalThis) harden(globalThis[name]);
    }
    for (const hidden of [
        function* () {}, async function () {}, async function* () {},
        [][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
        ""[Symbol.iterator](), "".matchAll(/x/g), Event,
    ]) harden(hidden);

    return hooks;
})
