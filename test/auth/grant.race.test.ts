/**
 * Races for one grant: concurrent requests at two server processes on one PostgreSQL (LIM-01, AS-117, AS-124, AS-131,
 * AS-147, AS-N02, AS-N03). The outcome must equal that of some sequential order of the requests. Each race also runs
 * without the condition that decides it, until it fails.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needsPostgres } from '../support/postgresql.ts';
import {
  cookieOf,
  createActors,
  type Grant,
  queryOf,
  type Request,
  referenceOf,
  statusOf,
  unordered,
} from './support/grant-actors.ts';
import { startTwoServers, type TwoServers } from './support/two-servers.ts';

/** Rounds of each race. In odd rounds the requests wait for each other at the row of the grant. */
const ROUNDS = 8;
/** Maximum rounds until a race without its condition must have failed. */
const MAX_ROUNDS = 40;

interface Race {
  readonly name: string;
  /** Runs the race once and returns its outcome. */
  run(round: number): Promise<string>;
  /** Permitted outcomes. */
  readonly ends: readonly string[];
  /** Mutants that remove the condition, so that other outcomes occur. */
  readonly mutants: readonly string[];
}

describe('two authorization servers', { skip: needsPostgres }, () => {
  let servers: TwoServers;
  before(async () => {
    servers = await startTwoServers();
  });
  after(() => servers?.close());

  const races = createRaces(() => servers);
  for (const race of races) runRace(() => servers, race);
});

describe('two authorization servers that rotate continuation tokens', { skip: needsPostgres }, () => {
  let servers: TwoServers;
  before(async () => {
    servers = await startTwoServers({ rotateContinuation: true });
  });
  after(() => servers?.close());

  for (const race of createRenewalRaces(() => servers)) runRace(() => servers, race);
});

function runRace(servers: () => TwoServers, { name, run, ends, mutants }: Race): void {
  test(name, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const end = await run(round);
      assert.ok(ends.includes(end), `round ${round} ended with ${end}`);
    }
  });
  for (const mutant of mutants) {
    test(`${name}: fails with ${mutant}`, async () => {
      await servers().mutate(mutant);
      try {
        for (let round = 0; round < MAX_ROUNDS; round++) {
          if (!ends.includes(await run(round))) return;
        }
        assert.fail(`${mutant} survived ${MAX_ROUNDS} rounds`);
      } finally {
        await servers().mutate('');
      }
    });
  }
}

function createRaces(servers: () => TwoServers): Race[] {
  const actors = createActors(servers);
  const { meet, isActive } = actors;

  /** The owner accepts in time, but the grant expires and `late` is sent before the acceptance is stored. */
  const acceptBeforeExpiry = async (late: (grant: Grant) => Request): Promise<string> => {
    const { hold, control } = servers();
    await control('/clock', { freeze: true });
    const grant = await actors.request({ polls: true });
    const held = await hold(grant.uri);
    const accepted = actors.decide(grant, 'accept')(1);
    await held.blocked([accepted]);
    await control('/clock', { advance: 600 });
    let order = 'accepted first';
    const answered = late(grant)(0).finally(() => {
      order = 'answered first';
    });
    await held.blocked([accepted, answered]);
    const ends = [order];
    await held.release();
    ends.push(`${(await accepted).status}`, `${(await answered).status}`);
    return [...ends, statusOf(await actors.continue(grant)(0))].join(', ');
  };

  return [
    {
      name: 'continue ∥ continue with the reference: one token',
      async run(round) {
        const { grant, reference } = await actors.referred();
        return unordered(
          await meet(round, grant, [actors.continue(grant, reference), actors.continue(grant, reference)]),
        );
      },
      ends: ['200, 401 request_denied'],
      mutants: ['grant-races.any-version', 'grant-races.not-repeated'],
    },
    {
      name: 'continue ∥ continue by polling: one token',
      async run(round) {
        const grant = await actors.polled();
        return unordered(await meet(round, grant, [actors.continue(grant), actors.continue(grant)]));
      },
      ends: ['200, 401 request_denied'],
      mutants: ['grant-races.any-version'],
    },
    {
      name: 'continue ∥ cancel: cancelled is cancelled',
      async run(round) {
        const { grant, reference } = await actors.referred();
        const [continued, cancelled] = await meet(round, grant, [
          actors.continue(grant, reference),
          actors.cancel(grant),
        ]);
        const active = await isActive(continued!.body?.access_token);
        const again = await actors.cancel(grant)(1);
        return `${[continued, cancelled, again].map((answer) => statusOf(answer!)).join(', ')}, token ${active}`;
      },
      ends: [
        '200, 204, 401 invalid_continuation, token false',
        '401 invalid_continuation, 204, 401 invalid_continuation, token false',
      ],
      mutants: ['grant-races.any-version'],
    },
    {
      name: 'continue ∥ cancel ∥ removal: what is gone is unknown',
      async run() {
        const grant = await actors.request({ polls: true });
        const hold = await servers().hold(grant.uri);
        const sent = [actors.continue(grant)(0), actors.cancel(grant)(1)];
        await hold.blocked(sent);
        await hold.remove();
        return unordered(await Promise.all(sent));
      },
      ends: ['401 invalid_continuation, 401 invalid_continuation'],
      mutants: ['grant-races.gone-grant-expected'],
    },
    {
      name: 'rotate ∥ rotate: one new token',
      async run(round) {
        const token = await actors.requestToken();
        const answers = await meet(round, token, [actors.rotate(token), actors.rotate(token)]);
        const fresh = answers.find(({ status }) => status === 200)?.body.access_token;
        const active = [await isActive(token), await isActive(fresh)];
        return `${unordered(answers)}, old ${active[0]}, new ${active[1]}`;
      },
      ends: [
        '200, 401 invalid_client, old false, new true',
        // The caller was identified while the old token was valid
        '200, 404 invalid_rotation, old false, new true',
      ],
      mutants: ['grant-races.rotation-of-any-value'],
    },
    {
      name: 'rotate ∥ revoke: a new token, or none at all',
      async run(round) {
        const token = await actors.requestToken();
        const [rotated, revoked] = await meet(round, token, [actors.rotate(token), actors.revoke(token)]);
        const active = [await isActive(token), await isActive(rotated!.body?.access_token)];
        return `${statusOf(rotated!)}, ${statusOf(revoked!)}, old ${active[0]}, new ${active[1]}`;
      },
      ends: [
        '200, 401 invalid_client, old false, new true',
        '401 invalid_client, 204, old false, new false',
        '404 invalid_rotation, 204, old false, new false',
      ],
      mutants: ['grant-races.rotation-of-any-value', 'grant-races.rotation-of-revoked'],
    },
    {
      name: 'rotate ∥ introspect ∥ use: the old token ends when the new one begins',
      async run(round) {
        const token = await actors.requestToken();
        const [rotated, introspected, used] = await meet(round, token, [
          actors.rotate(token),
          actors.introspect(token),
          actors.use(token),
        ]);
        assert.equal(typeof introspected!.body.active, 'boolean', statusOf(introspected!));
        assert.ok([200, 401].includes(used!.status), statusOf(used!));
        const later = await actors.use(token)(1);
        const fresh = rotated!.body?.access_token;
        return `${statusOf(rotated!)}, old ${await isActive(token)} ${later.status}, new ${await isActive(fresh)} ${(await actors.use(fresh)(0)).status}`;
      },
      ends: ['200, old false 401, new true 200'],
      mutants: ['grant-races.rotation-keeps-value'],
    },
    {
      name: 'rotate ∥ cancel: no token outlives its grant',
      async run(round) {
        const token = await actors.requestToken();
        const [rotated, cancelled] = await meet(round, token, [actors.rotate(token), actors.cancel(token)]);
        const active = [await isActive(token), await isActive(rotated!.body?.access_token)];
        return `${rotated!.status === 200}, ${statusOf(cancelled!)}, old ${active[0]}, new ${active[1]}`;
      },
      ends: ['true, 204, old false, new false', 'false, 204, old false, new false'],
      mutants: ['grant-races.token-without-grant'],
    },
    {
      name: 'accept ∥ reject: one of them, for good',
      async run(round) {
        const grant = await actors.request();
        const cookie = cookieOf(await actors.start(grant)(0));
        const [accepted, rejected] = await meet(round, grant, [
          actors.decide(grant, 'accept'),
          actors.decide(grant, 'reject'),
        ]);
        const finished = await actors.finish(grant, cookie)(1);
        return `${accepted!.status}, ${rejected!.status}, ${[...queryOf(finished).keys()].at(-1)}`;
      },
      ends: ['202, 400, interact_ref', '400, 202, result'],
      mutants: ['grant-races.any-version'],
    },
    {
      name: 'accept ∥ cancel: what is cancelled is not accepted',
      async run(round) {
        const grant = await actors.request({ polls: true });
        const [accepted, cancelled] = await meet(round, grant, [actors.decide(grant, 'accept'), actors.cancel(grant)]);
        const later = await actors.continue(grant)(1);
        return `${accepted!.status}, ${cancelled!.status}, ${statusOf(later)}`;
      },
      ends: ['202, 204, 401 invalid_continuation', '401, 204, 401 invalid_continuation'],
      mutants: ['grant-races.any-version'],
    },
    {
      name: 'finish ∥ finish: one reference, and it is good',
      async run(round) {
        const { grant, cookie } = await actors.accepted();
        const answers = await meet(round, grant, [actors.finish(grant, cookie), actors.finish(grant, cookie)]);
        const references = answers.map(referenceOf).filter((reference) => reference !== undefined);
        const continued = await actors.continue(grant, references[0])(1);
        return `${unordered(answers)}, ${references.length}, ${statusOf(continued)}`;
      },
      ends: ['302, 401 invalid_request, 1, 200'],
      mutants: ['grant-races.any-version', 'grant-races.session-stays'],
    },
    {
      name: 'start ∥ start: one session, that of the later one',
      async run(round) {
        const grant = await actors.request();
        const cookies = (await meet(round, grant, [actors.start(grant), actors.start(grant)])).map(cookieOf);
        await actors.decide(grant, 'accept')(0);
        const finished = [];
        for (const cookie of cookies) finished.push(await actors.finish(grant, cookie)(1));
        return unordered(finished);
      },
      ends: ['302, 401 invalid_request'],
      mutants: ['grant-races.session-for-all'],
    },
    {
      name: 'start ∥ start where a script decides: one reference',
      async run(round) {
        const grant = await actors.request();
        await servers().control('/consent', { mode: 'auto' });
        const answers = await meet(round, grant, [actors.start(grant), actors.start(grant)]);
        await servers().control('/consent', { mode: 'manual' });
        const ends = answers.map((answer) =>
          answer.status === 302 ? [...queryOf(answer).keys()].at(-1) : answer.status,
        );
        return ends.sort().join(', ');
      },
      ends: ['403, interact_ref'],
      mutants: ['grant-races.any-version', 'grant-races.start-not-looked-at-again'],
    },
    {
      name: 'accept ∥ poll after the expiry: an answer that it expired is never followed by acceptance',
      run: () => acceptBeforeExpiry(actors.continue),
      ends: ['accepted first, 202, 200, 401 request_denied'],
      mutants: ['grant-races.expired-poll-stores-nothing', 'grant-races.any-version'],
    },
    {
      name: 'accept ∥ reject after the expiry: the late answer knows of the acceptance',
      run: () => acceptBeforeExpiry((grant) => actors.decide(grant, 'reject')),
      ends: ['accepted first, 202, 400, 200'],
      mutants: ['grant-races.late-decision-stores-nothing'],
    },
  ];
}

/** With rotation (RFC 9635 §5), the presented token may be void once the request can store the grant. */
function createRenewalRaces(servers: () => TwoServers): Race[] {
  const actors = createActors(servers);
  const mutants = ['grant-races.renewed-token-is-good'];
  return [
    {
      name: 'continue ∥ continue: one new continue token',
      async run(round) {
        const grant = await actors.request({ polls: true });
        return unordered(await actors.meet(round, grant, [actors.continue(grant), actors.continue(grant)]));
      },
      ends: ['200, 401 invalid_continuation'],
      mutants,
    },
    {
      name: 'continue ∥ cancel: not with a token that is void',
      async run(round) {
        const grant = await actors.request({ polls: true });
        const answers = await actors.meet(round, grant, [actors.continue(grant), actors.cancel(grant)]);
        return answers.map(statusOf).join(', ');
      },
      ends: ['200, 401 invalid_continuation', '401 invalid_continuation, 204'],
      mutants,
    },
  ];
}
