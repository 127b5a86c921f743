/**
 * Checks on a server that answers all their requests rightly but the last one. On a hollow server a check fails in what
 * it needs beforehand; here the set-up works, so the check itself must notice.
 */
import { checks } from '../../../conformance/checks/index.ts';
import { type Check, type CheckContext, type CheckResult, runChecks } from '../../../conformance/runner/check.ts';
import { createRun, type Run } from '../../../conformance/runner/run.ts';
import { parseTarget } from '../../../conformance/runner/target.ts';
import { loadOperations } from '../../../conformance/runner/validation.ts';
import { type Reply, rewriteReplies } from './wire.ts';
import { openDeployment, openWorld } from './world.ts';

/** Marks the request that is answered wrongly. */
const MARK = 'x-answered-wrongly';

const json = (status: number, body: unknown): Reply => ({
  ...{ status, headers: { 'content-type': 'application/json', connection: 'close' }, body: JSON.stringify(body) },
});

/** A success becomes a failure, and a refusal a success. */
const turn = ({ status }: Reply): Reply =>
  status < 400 ? json(500, { error: { code: 'request_denied', description: 'an internal error' } }) : json(200, {});

/** After this time a check has noticed that what it waits for does not come; one that is answered rightly may be slow. */
const LONGEST_MS = 60_000;

/** Runs of a check until its last request is answered wrongly. */
const MAX_TRIES = 10;

/** Areas whose checks are tried. */
const areas = ['continuation', 'discovery', 'list', 'quote', 'token', 'wallet-address'];

/** Checks that are about something else than their last answer. */
const exceptions: Readonly<Record<string, string>> = {
  'wallet-address.instance-key': 'It judges the requests that the server sends to another server.',
};

export interface LastAnswersOutcome {
  readonly checks: number;
  readonly noticed: number;
  /** Checks that send nothing as a client: they send bytes, or packets. */
  readonly silent: readonly string[];
  readonly problems: readonly string[];
}

/** Runs a check. Its request with this number is answered wrongly; requests whose result it shares do not count. */
async function runOne(run: Run, check: Check, wrong?: number): Promise<{ result: CheckResult; requests: number }> {
  let requests = 0;
  let sharing = 0;
  const [result] = await runChecks(
    [check],
    () => {
      const { context, recorder } = run.contextFor();
      const call: CheckContext['call'] = (one) => {
        if (sharing > 0) return context.call(one);
        requests += 1;
        return context.call(requests === wrong ? { ...one, headers: [...(one.headers ?? []), [MARK, 'true']] } : one);
      };
      const shared: CheckContext['shared'] = (key, compute) =>
        context.shared(key, async () => {
          sharing += 1;
          return compute().finally(() => {
            sharing -= 1;
          });
        });
      return { recorder, context: { ...context, call, shared } };
    },
    () => {},
    undefined,
    undefined,
    wrong === undefined ? undefined : LONGEST_MS,
  );
  return { result: result!, requests };
}

export async function runWithWrongLastAnswers(): Promise<LastAnswersOutcome> {
  const deployment = await openDeployment();
  const operations = await loadOperations();
  const problems: string[] = [];
  const silent: string[] = [];
  let noticed = 0;
  const fitting = checks.filter(
    ({ id, profile, touchstone }) => profile !== 'strict' && !touchstone && areas.includes(id.split('.', 1)[0]!),
  );
  let applied = 0;
  rewriteReplies(({ headers }) => {
    if (headers[MARK] === undefined) return undefined;
    return {
      rewrite: (reply) => {
        applied += 1;
        return turn(reply);
      },
    };
  });
  for (const some of Map.groupBy(fitting, ({ id }) => id.split('.', 1)[0]).values()) {
    const run = await createRun(parseTarget(await openWorld(deployment)), operations);
    for (const check of some) {
      const { result: right, requests } = await runOne(run, check);
      if (right.failure) problems.push(`${check.id}: fails while all is right: ${right.failure.message}`);
      else if (requests === 0) silent.push(check.id);
      else {
        applied = 0;
        let last = await runOne(run, check, requests);
        // A check that polls sends fewer requests if the server is faster than before.
        for (let tries = 1; applied === 0 && tries < MAX_TRIES; tries += 1) {
          last = await runOne(run, check, last.requests);
        }
        const { result: wrong } = last;
        const isException = check.id in exceptions;
        if (applied === 0) problems.push(`${check.id}: its last request was not sent again: ${wrong.failure?.message}`);
        else if (!wrong.failure && !isException) problems.push(`SURVIVED ${check.id}: its last answer was wrong`);
        else if (wrong.failure && isException) problems.push(`${check.id}: the exception is not needed any more`);
        else if (!isException) noticed += 1;
      }
    }
    await run.close();
  }
  rewriteReplies(() => undefined);
  await deployment.close();
  return { checks: fitting.length, noticed, silent, problems };
}
