import { describe, expect, test } from "vitest";
import { LogPurgedError, StreamTimeoutError, TidewireError } from "../src/errors.js";
import { delta, finish, simulatedRun } from "./simulated-run.js";

const start = { type: "start", messageId: "m1" } as const;

function runWith(...texts: string[]) {
  const run = simulatedRun();
  run.commit(start, ...texts.map(delta));
  return run;
}

describe("following", () => {
  test("hands over every entry once, from the table and then live", async () => {
    const run = runWith("a", "b");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.commit(delta("c"));
      run.broadcast(3);
    });
    run.clock.at(30, () => {
      run.commit(finish);
      run.broadcast(4);
    });
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2, 3, 4]);
    expect(run.reads).toEqual([{ at: 10, after: -1 }]);
  });

  test("does not read before the channel is joined", async () => {
    const run = runWith("a");
    run.clock.at(700, () => run.hear({ type: "joined" }));
    run.clock.at(701, () => {
      run.commit(finish);
      run.broadcast(2);
    });
    await run.clock.runUntil(run.follow().done);
    expect(run.reads[0]?.at).toBe(700);
  });

  test("keeps what is broadcast while the first read is under way", async () => {
    const run = runWith("a");
    run.faults.push(async () => {
      const page = {
        entries: [{ index: 0, firstIndex: 0, chunk: start }],
        more: false,
        head: 0,
        ...run.state,
      };
      run.commit(delta("b"), finish);
      run.broadcast(1, 3);
      return page;
    });
    run.clock.at(1, () => run.hear({ type: "joined" }));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2, 3]);
    expect(run.reads).toHaveLength(1);
  });

  test("resumes after a cursor without repeating an entry", async () => {
    const run = runWith("a", "b");
    run.commit(finish);
    const followed = run.follow(1);
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([2, 3]);
  });

  test("ends at once when the log ended at the cursor", async () => {
    const run = runWith("a");
    run.commit(finish);
    run.state.status = "completed";
    run.state.leaseLive = false;
    const followed = run.follow(2);
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([]);
  });

  test("hands over nothing after the terminal entry", async () => {
    const run = runWith("a");
    run.commit(finish, delta("late"));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
  });

  test("reads on after a short page until the head", async () => {
    const run = runWith(..."abcdefgh");
    run.commit(finish);
    run.pageSize = 3;
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(run.reads.map((read) => read.after)).toEqual([-1, 2, 5, 8]);
  });
});

describe("live messages", () => {
  test("a gap is filled from the table", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.commit(delta("lost"), delta("heard"), finish);
      run.broadcast(3, 2);
    });
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2, 3, 4]);
    expect(run.reads.map((read) => read.at)).toEqual([10, 20]);
  });

  test("messages in any order hand over entries in order, once", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.commit(delta("b"), delta("c"), delta("d"));
      run.broadcast(4);
      run.broadcast(2);
      run.broadcast(3);
      run.broadcast(2, 3);
    });
    run.clock.at(30, () => {
      run.commit(finish);
      run.broadcast(4, 2);
    });
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("a live entry ends what the reader reported as waiting", async () => {
    const run = runWith();
    run.state = { status: "queued", leaseLive: false, waitingFor: ["thread"], purged: false };
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.commit(delta("a"));
      run.broadcast(1);
    });
    run.clock.at(30, () => {
      run.commit(finish);
      run.broadcast(2);
    });
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    const reports = followed.events.flatMap((e) => (e.type === "status" ? [e.status] : []));
    expect(reports.map((s) => [s.runStatus, s.waitingFor])).toEqual([
      [null, []],
      ["queued", ["thread"]],
      ["running", []],
    ]);
  });

  test("a message without chunks is answered by a read", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.commit(delta("huge"), finish);
      run.announce(2, 4);
    });
    await run.clock.runUntil(run.follow().done);
    expect(run.reads.map((read) => read.at)).toEqual([10, 20]);
  });

  test("a flood that nobody takes is replaced by one read", async () => {
    const run = runWith();
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      for (let i = 1; i <= 2500; i += 1) {
        run.commit(delta("x"));
        run.broadcast(i);
      }
      run.commit(finish);
      run.broadcast(2501);
    });
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual(Array.from({ length: 2502 }, (_, i) => i));
  });
});

describe("losses", () => {
  test("a lost terminal entry is found after five silent seconds", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => run.commit(finish));
    await run.clock.runUntil(run.follow().done);
    expect(run.reads.map((read) => read.at)).toEqual([10, 5010]);
  });

  test("a channel that is never joined is made up for by the table", async () => {
    const run = runWith("a");
    run.clock.at(4000, () => run.commit(finish));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
    expect(run.clock.now()).toBeLessThan(6000);
  });

  test.each(["joined", "wake"] as const)("every %s makes the reader look again", async (type) => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => run.commit(delta("lost"), finish));
    run.clock.at(30, () => run.hear({ type }));
    await run.clock.runUntil(run.follow().done);
    expect(run.clock.now()).toBe(30);
  });

  test("failed reads are tried again until one succeeds", async () => {
    const run = runWith("a");
    for (let i = 0; i < 8; i += 1) run.faults.push(() => Promise.reject(new Error("fetch failed")));
    run.clock.at(60_000, () => run.commit(finish));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
    const problems = followed.events.flatMap((e) => (e.type === "status" ? [e.status] : []));
    expect(problems.some((s) => s.connection === "failing" && s.problem === "fetch failed")).toBe(
      true,
    );
    expect(problems.at(-1)?.problem).toBe(null);
  });

  test("a read that never answers is given up and repeated", async () => {
    const run = runWith("a");
    run.commit(finish);
    run.faults.push(() => new Promise(() => undefined));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
    expect(run.reads).toHaveLength(2);
  });

  test("live entries are handed over while the table cannot be read", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(20, () => {
      run.faults.push(...Array.from({ length: 9 }, () => () => Promise.reject(new Error("down"))));
      run.hear({ type: "wake" });
    });
    run.clock.at(40, () => {
      run.commit(delta("b"), finish);
      run.broadcast(2, 2);
    });
    await run.clock.runUntil(run.follow().done);
    expect(run.clock.now()).toBe(40);
  });

  test("a page with a hole is refused and read again", async () => {
    const run = runWith("a");
    run.commit(finish);
    run.faults.push(async () => ({
      entries: [{ index: 1, firstIndex: 1, chunk: delta("a") }],
      more: true,
      head: 2,
      ...run.state,
    }));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
  });
});

describe("endings", () => {
  test("a run that nobody holds and that awaits nothing times out after 30 s", async () => {
    const run = runWith("a");
    run.state.leaseLive = false;
    run.clock.at(10, () => run.hear({ type: "joined" }));
    const followed = run.follow();
    await expect(run.clock.runUntil(followed.done)).rejects.toEqual(
      new StreamTimeoutError(1, null),
    );
    expect(run.clock.now()).toBe(30_010);
    expect(followed.indexes()).toEqual([0, 1]);
  });

  test("a run that waits does not time out and is read ever more rarely", async () => {
    const run = runWith("a");
    run.state.leaseLive = false;
    run.state.waitingFor = ["approval"];
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(600_000, () => run.commit(finish));
    await run.clock.runUntil(run.follow().done);
    expect(run.reads.slice(0, 7).map((read) => read.at)).toEqual([
      10, 5_010, 15_010, 35_010, 75_010, 135_010, 195_010,
    ]);
  });

  test("a live lease is never a timeout", async () => {
    const run = runWith("a");
    run.clock.at(10, () => run.hear({ type: "joined" }));
    run.clock.at(120_000, () => run.commit(finish));
    await run.clock.runUntil(run.follow().done);
    expect(run.clock.now()).toBeLessThan(125_020);
  });

  test("time without a readable table does not count as standing still", async () => {
    const run = runWith("a");
    run.state.leaseLive = false;
    run.faults.push(...Array.from({ length: 12 }, () => () => Promise.reject(new Error("down"))));
    run.clock.at(95_000, () => run.commit(finish));
    const followed = run.follow();
    await run.clock.runUntil(followed.done);
    expect(followed.indexes()).toEqual([0, 1, 2]);
  });

  test("a cursor beyond the head starts again from the beginning", async () => {
    const run = runWith("a");
    run.commit(finish);
    const followed = run.follow(70);
    await run.clock.runUntil(followed.done);
    expect(followed.events.filter((e) => e.type !== "status").map((e) => e.type)).toEqual([
      "reset",
      "entry",
      "entry",
      "entry",
    ]);
  });

  test("a purged log is told apart", async () => {
    const run = simulatedRun();
    run.state.purged = true;
    await expect(run.clock.runUntil(run.follow().done)).rejects.toBeInstanceOf(LogPurgedError);
  });

  test("a run that does not exist ends the reading", async () => {
    const run = simulatedRun();
    const missing = new TidewireError("TW003", 404, "run not found", null);
    run.faults.push(() => Promise.reject(missing));
    await expect(run.clock.runUntil(run.follow().done)).rejects.toBe(missing);
  });

  test("an expired token does not end the reading", async () => {
    const run = runWith();
    run.commit(finish);
    run.faults.push(() => Promise.reject(new TidewireError("TW000", 401, "JWT expired", null)));
    await run.clock.runUntil(run.follow().done);
    expect(run.reads).toHaveLength(2);
  });

  test("an aborted signal stops the reading with its reason", async () => {
    const run = runWith("a");
    const stop = new AbortController();
    run.clock.at(3000, () => stop.abort("left the page"));
    await expect(run.clock.runUntil(run.follow(-1, stop.signal).done)).rejects.toBe(
      "left the page",
    );
    expect(run.clock.now()).toBe(3000);
  });
});
