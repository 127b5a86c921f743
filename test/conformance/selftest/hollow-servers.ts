/**
 * Every check of the catalogue against servers that answer nothing of what was asked. The run itself is set up by a
 * world that answers; then its public servers turn hollow, while its control API stays as it is.
 */
import { checks } from '../../../conformance/checks/index.ts';
import { properties } from '../../../conformance/properties/index.ts';
import { type Check, runChecks } from '../../../conformance/runner/check.ts';
import { createRun } from '../../../conformance/runner/run.ts';
import { parseTarget } from '../../../conformance/runner/target.ts';
import { loadOperations } from '../../../conformance/runner/validation.ts';
import { type Reply, rewriteReplies } from './wire.ts';
import { openDeployment, openWorld } from './world.ts';

const json = (status: number, body: unknown): Reply => ({
  // Checks that send bytes read until the end of the connection.
  ...{ status, headers: { 'content-type': 'application/json', connection: 'close' }, body: JSON.stringify(body) },
});

const allChecks = [...checks, ...properties];

/** Every public request is answered in this way. */
const hollowServers: Readonly<Record<string, Reply | 'close'>> = {
  'closes every connection': 'close',
  'answers 200 {} to everything': json(200, {}),
  'answers 500 to everything': json(500, { error: { code: 'request_denied', description: 'an internal error' } }),
};

/** After this time a check has not passed. */
const LONGEST_MS = 5_000;

const boundInTime = (check: Check): Check => ({
  ...check,
  run: (context) => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('timed out')), LONGEST_MS);
    return Promise.race([check.run(context), promise]).finally(() => clearTimeout(timer));
  },
});

export interface HollowOutcome {
  readonly checks: number;
  readonly servers: number;
  /** Failures at the first request of a check. They say little about it: most checks first make what they need. */
  readonly atOnce: number;
  /** Checks that do not fail, those that are not applicable included. */
  readonly passed: readonly { readonly server: string; readonly check: string }[];
}

export async function runAgainstHollowServers(): Promise<HollowOutcome> {
  const deployment = await openDeployment();
  const operations = await loadOperations();
  const passed: { server: string; check: string }[] = [];
  let atOnce = 0;
  for (const [server, reply] of Object.entries(hollowServers)) {
    const variables = await openWorld(deployment);
    const control = Number(new URL(variables['TOUCHSTONE_CONTROL']!).port);
    // Worlds that checks add would be as hollow, so this one takes their place.
    const added = json(201, { id: 'hollow', env: variables });
    const run = await createRun(parseTarget(variables), operations);
    rewriteReplies(({ socket, method, url }) => {
      if (socket.localPort !== control) return { before: true, rewrite: () => reply };
      return method === 'POST' && url === '/worlds' ? { before: true, rewrite: () => added } : undefined;
    });
    for (const check of allChecks) {
      const [result] = await runChecks([boundInTime(check)], run.contextFor);
      if (!result!.failure) passed.push({ server, check: check.id });
      else if (result!.requests <= 1) atOnce += 1;
    }
    rewriteReplies(() => undefined);
    await run.close();
  }
  await deployment.close();
  return { checks: allChecks.length, servers: Object.keys(hollowServers).length, atOnce, passed };
}
