/** State, clock, consent, reset, recent requests, ledgers and injected faults of a world. */
import type { Handlers } from '../../generated/control/routes.ts';
import type { components } from '../../generated/control/types.ts';
import type { ClockChange } from '../clock.ts';
import { toInstant, toLookupText } from '../database/columns.ts';
import { Problem } from '../errors.ts';
import type { Fault, TrapFault } from '../faults.ts';
import { concludeRun, type RunFacts } from '../grade/conclusion.ts';
import { describeExchange } from '../grade/describe-exchange.ts';
import { CURRENT_SET, findRequirementSet } from '../grade/requirement-sets.ts';
import { faultFor, negativeReplies, preferenceFor } from '../http/negative-replies.ts';
import type { TrialBalance } from '../payments/ledger.ts';
import type { ControlCall } from './ase-access.ts';
import { toAssetBody, toPageBody } from './bodies.ts';
import type { Controls } from './controls.ts';

function parseClockChange(body: { freeze: true } | { advance: number } | { set: string } | { run: true }): ClockChange {
  if ('freeze' in body) return { action: 'freeze' };
  if ('advance' in body) return { action: 'advance', milliseconds: body.advance * 1000 };
  if ('set' in body) return { action: 'set', time: Date.parse(body.set) };
  return { action: 'run' };
}

type NewFault = components['schemas']['new-fault'];

/** Accounts of an ASE in a response that does not ask for fewer. */
const MAX_ACCOUNTS = 1000;

const formatAccountCursor = (account: string): string => Buffer.from(account).toString('base64url');
const parseAccountCursor = (cursor: string): string => toLookupText(Buffer.from(cursor, 'base64url').toString('utf8'));

function toTrialBalanceBody({ lines, totals, balanced, hasMore }: TrialBalance) {
  const last = lines.at(-1)?.account;
  return {
    balanced,
    ...toPageBody({ endCursor: last === undefined ? undefined : formatAccountCursor(last), hasNextPage: hasMore }),
    accounts: lines.map(({ account, kind, asset, debits, credits, balance }) => ({
      account,
      kind,
      ...toAssetBody(asset),
      debits: `${debits}`,
      credits: `${credits}`,
      balance: `${balance}`,
    })),
    totals: totals.map(({ asset, debits, credits }) => ({
      ...toAssetBody(asset),
      debits: `${debits}`,
      credits: `${credits}`,
    })),
  };
}

/** The report without what only the command line knows: a command, probes, a baseline. */
function toReportBody(facts: RunFacts) {
  const { reasons, coverage, verdicts, exchanges, ...report } = concludeRun(facts, {
    set: findRequirementSet(CURRENT_SET),
  });
  return {
    ...report,
    profile: facts.profile,
    command: null,
    reasons: [...reasons],
    coverage: { ...coverage, missing: [...coverage.missing] },
    verdicts: verdicts.map(({ expected: _none, findings, ...verdict }) => ({
      ...verdict,
      findings: [...findings],
      probes: [],
    })),
    probes: [],
    stale: [],
    exchanges: [...exchanges],
  };
}

export function createWorldHandlers(controls: Controls) {
  const clockBody = () => {
    const { mode, now } = controls.clock();
    return { mode: mode === 'live' ? ('running' as const) : mode, now: toInstant(now) };
  };
  return {
    'get-state': async () => ({
      status: 200,
      body: {
        version: controls.version,
        spec: controls.spec,
        seed: controls.seed ?? null,
        profile: controls.profile,
        clock: clockBody(),
        consent: { mode: controls.consent() },
        ases: [...(await controls.describeAses())],
      },
    }),
    'post-clock': async (_call, { body }) => {
      await controls.changeClock(parseClockChange(body));
      return { status: 200, body: clockBody() };
    },
    'post-consent-policy': async (_call, { body }) => {
      await controls.setConsent(body.mode);
      return { status: 200, body: { mode: controls.consent() } };
    },
    'post-reset': async () => {
      await controls.reset();
      return { status: 204 };
    },
    'list-exchanges': async (_call, { query }) => ({
      status: 200,
      body: { exchanges: controls.listExchanges({ limit: 100, ...query }) },
    }),
    'get-ledger': async (_call, { query: { ase, cursor, first: limit = MAX_ACCOUNTS } }) => {
      if (cursor !== undefined && ase === undefined) {
        throw new Problem('invalid_request', {
          description: 'a cursor belongs to one ASE, which the parameter ase must name',
        });
      }
      const after = cursor === undefined ? undefined : parseAccountCursor(cursor);
      const ledgers = await controls.ledgers({ ase, after, limit });
      if (ase !== undefined && ledgers.length === 0) throw new Problem('not_found', { description: 'unknown ASE' });
      return {
        status: 200,
        body: { ases: ledgers.map(({ name, books }) => ({ name, ...toTrialBalanceBody(books) })) },
      };
    },
    'get-exchange': async (_call, { params }) => {
      const exchange = controls.findExchange(params.id);
      if (!exchange) throw new Problem('not_found');
      return { status: 200, body: describeExchange(exchange, controls.origins(), controls.switches) };
    },
    'get-report': async () => {
      const facts = await controls.readRun?.();
      if (!facts) throw new Problem('not_found', { description: 'this world records no exchanges' });
      return { status: 200, body: toReportBody(facts) };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}

function requireFaults(faults: Controls['faults']) {
  if (!faults) throw new Problem('forbidden', { description: 'faults need a world that listens on loopback only' });
  return faults;
}

/** Throws `invalid_request` for members that this kind does not have, and for one that it lacks. */
function parseFault(body: NewFault): Fault | TrapFault {
  const { kind, operation, trap, ...rest } = body;
  if (kind === 'trap') {
    if (trap === undefined || operation !== undefined || Object.keys(rest).length > 0) {
      throw new Problem('invalid_request', { description: 'a trap has the members kind and trap only' });
    }
    return { kind, trap };
  }
  if (operation === undefined || trap !== undefined) {
    throw new Problem('invalid_request', { description: 'a fault needs an operation, and only a trap has a name' });
  }
  return { nth: 1, times: 1, ...rest, kind, operation };
}

export function createFaultHandlers({ faults }: Pick<Controls, 'faults'>) {
  return {
    'get-catalogue': async () => ({
      status: 200,
      body: {
        replies: negativeReplies.map((reply) => ({
          ...reply,
          cause: reply.cause ?? null,
          prefer: `fault=${preferenceFor(reply)}`,
          walletAddress: `/reply/${reply.name}`,
          fault: faultFor(reply),
        })),
      },
    }),
    'list-faults': async () => ({ status: 200, body: { faults: faults?.list() ?? [] } }),
    'add-fault': async (_call, { body }) => ({
      status: 201,
      body: requireFaults(faults).add(parseFault(body)),
    }),
    'replace-faults': async (_call, { body }) => ({
      status: 200,
      body: requireFaults(faults).replace(parseFault(body)),
    }),
    'remove-faults': async () => {
      faults?.clear();
      return { status: 204 };
    },
  } satisfies Partial<Handlers<ControlCall>>;
}
