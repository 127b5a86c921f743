/** A world under attack: checks how hostile requests are refused and that other clients are not affected (RFC 9635 §11). */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { setImmediate as turnEventLoop } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { EmbeddedWorldOptions } from '../../src/world/embedded.ts';
import { fingerprint } from './fingerprint.ts';
import { type PreparedResources, prepareResources } from './prepared-resources.ts';
import { type Answer, send } from './signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from './world.ts';

export interface AttackedWorld {
  readonly world: TestWorld;
  readonly environment: ClientEnvironment;
  readonly prepared: PreparedResources;
  /** Somebody well-behaved is served. */
  isServed(): Promise<void>;
  /** Nothing changes in the database while `work` runs, and others are served during it and afterwards. */
  leavesNothing(work: () => Promise<void>): Promise<void>;
}

/** Starts a world before the tests of this file and ends it after them; its members are there from the first test on. */
export function startAttackedWorld(options: EmbeddedWorldOptions = {}): AttackedWorld {
  const attacked = {} as { -readonly [Member in keyof AttackedWorld]: AttackedWorld[Member] };
  before(async () => {
    attacked.world = await startWorld(options);
    attacked.environment = clientEnvironment(attacked.world);
    attacked.prepared = await prepareResources(attacked.world, attacked.environment);
  });
  after(() => attacked.world.close());
  attacked.isServed = async () => {
    const { prepared, environment } = attacked;
    assert.equal((await fetch(prepared.payer)).status, 200);
    const { incoming } = prepared.tokens;
    const answer = await send(environment, { method: 'GET', url: prepared.incomingPayment, token: incoming });
    assert.equal(answer.status, 200);
  };
  attacked.leavesNothing = async (work) => {
    const { world, isServed } = attacked;
    const untouched = await fingerprint(world.db);
    await Promise.all([work(), isServed()]);
    await isServed();
    assert.deepEqual(await fingerprint(world.db), untouched);
  };
  return attacked;
}

/** An error object of Open Payments with one of these statuses, no page and no stack. */
export function assertRefused({ status, text }: Pick<Answer, 'status' | 'text'>, ...expected: number[]): void {
  assert.ok(expected.includes(status), `${status} ${text.slice(0, 300)}`);
  const body = JSON.parse(text);
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual([typeof body.error.code, typeof body.error.description], ['string', 'string']);
  assert.doesNotMatch(text, /<html|\bat .*\(.*:\d+:\d+\)|node_modules/i);
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Less than this is the difference between two collections in a row. */
const NOISE = 50_000;

/** Asserts that the heap and the buffers have grown by less than `bound` bytes when `work` is done and all garbage gone. */
export async function assertGrowsLess(bound: number, work: () => Promise<void>): Promise<void> {
  // Sockets that are closing, and callbacks that are due, still hold buffers for a few turns of the event loop, and
  // what is finalised by one collection can be garbage of the next. Collections take most of the time of these tests.
  const measure = async (isLowest: (held: number, before: number) => boolean): Promise<number> => {
    let lowest = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 10; turn += 1) {
      await turnEventLoop();
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      const before = lowest;
      lowest = Math.min(lowest, heapUsed + arrayBuffers);
      if (isLowest(lowest, before)) break;
    }
    return lowest;
  };
  const held = await measure((lowest, before) => before - lowest < NOISE);
  await work();
  const grown = (await measure((lowest) => lowest - held < bound)) - held;
  assert.ok(grown < bound, `${grown} bytes stay`);
}
