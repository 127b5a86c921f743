import document from '../../generated/control/document.json' with { type: 'json' };
import { type Handlers, routes } from '../../generated/control/routes.ts';
import { responseBody } from '../../generated/control/validators.js';
import type { AseState } from '../administration/ase-state.ts';
import type { ClockChange } from '../clock.ts';
import { toInstant } from '../database/columns.ts';
import { Problem } from '../errors.ts';
import type { Faults } from '../faults.ts';
import type { Call, PipelineCode, Server } from '../http/pipeline.ts';
import { headerLines } from '../http/received-request.ts';
import type { RequestTrace } from '../http/request-trace.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import type { TrialBalance } from '../payments/ledger.ts';
import type { ProfileName } from '../profile.ts';
import { type AdministrationDeps, createAdministrationHandlers } from './administration.ts';
import { withAuditLog } from './audited-handlers.ts';
import { createBookkeepingHandlers } from './bookkeeping.ts';
import { createEventHandlers } from './events.ts';
import { checkOperator } from './operator.ts';

/** What the control API may do with a world. */
export interface Controls {
  readonly version: string;
  readonly spec: string;
  readonly seed: string | undefined;
  readonly profile: ProfileName;
  clock(): { readonly mode: 'live' | 'frozen'; readonly now: number };
  changeClock(change: ClockChange): Promise<void>;
  consent(): ConsentMode;
  setConsent(mode: ConsentMode): Promise<void>;
  /** Absent where others than the operator could reach the world. */
  readonly faults?: Faults;
  readonly listExchanges: RequestTrace['list'];
  reset(): Promise<void>;
  describeAses(): Promise<readonly AseState[]>;
  /** Absent from a world that was itself created over the control API. */
  readonly worlds?: Worlds;
  ledgers(): Promise<readonly { readonly name: string; readonly books: TrialBalance }[]>;
}

/** The worlds beside the first one, which alone can make and end them. */
export interface Worlds {
  list(): readonly string[];
  create(options: {
    readonly seed?: string;
    readonly consent?: ConsentMode;
    readonly profile?: ProfileName;
    /** As in a world file. */
    readonly definition?: unknown;
  }): Promise<{
    readonly id: string;
    readonly ases: readonly AseState[];
    describeEnvironment(): Record<string, string>;
  }>;
  /** False if there is none of this id. */
  remove(id: string): Promise<boolean>;
}

export type ConsentMode = 'auto' | 'deny' | 'manual';
type Code =
  | Exclude<PipelineCode, 'missing_authorization' | 'invalid_signature'>
  | 'unauthorized'
  | 'forbidden'
  | 'conflict'
  | 'insufficient_funds';

const catalogue = {
  not_found: [404, 'not_found', 'no such resource'],
  method_not_allowed: [405, 'method_not_allowed', 'method not allowed'],
  malformed_body: [400, 'invalid_request', 'the body is not JSON'],
  invalid_request: [400, 'invalid_request', 'the request does not match the document'],
  unsupported_media_type: [415, 'invalid_request', 'the body must be application/json'],
  body_too_large: [413, 'invalid_request', 'the body is too large'],
  body_timeout: [400, 'invalid_request', 'the body did not arrive in time'],
  unauthorized: [401, 'unauthorized', 'the control token is missing or wrong'],
  forbidden: [403, 'forbidden', 'Host or Origin is not the control API’s own'],
  conflict: [409, 'conflict', 'in conflict with what is there'],
  insufficient_funds: [409, 'conflict', 'the balance does not cover it'],
  internal_error: [500, 'internal_error', 'internal error'],
} as const satisfies Record<Code, readonly [status: number, code: string, description: string]>;

const validateRequest = createRequestValidator(document);

/** `token` is the bearer token; `hosts` are the values of Host (and hosts of Origin) that are ours. */
export function createControlServer(
  controls: Controls,
  administration: AdministrationDeps,
  token: string,
  hosts: readonly string[],
): Server<undefined> {
  const clockBody = () => {
    const { mode, now } = controls.clock();
    return { mode: mode === 'live' ? ('running' as const) : mode, now: toInstant(now) };
  };
  const handlers = {
    ...withAuditLog(administration, {
      ...createAdministrationHandlers(administration),
      ...createEventHandlers(administration),
      ...createBookkeepingHandlers(administration),
    }),
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
      await controls.changeClock(readClockChange(body));
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
    'list-faults': async () => ({ status: 200, body: { faults: controls.faults?.list() ?? [] } }),
    'add-fault': async (_call, { body }) => {
      if (!controls.faults) throw new Problem('forbidden', { description: 'no faults where others could be struck' });
      return { status: 201, body: controls.faults.add({ nth: 1, times: 1, ...body }) };
    },
    'remove-faults': async () => {
      controls.faults?.clear();
      return { status: 204 };
    },
    'list-worlds': async () => ({ status: 200, body: { worlds: [...expectWorlds(controls).list()] } }),
    'create-world': async (_call, { body }) => {
      const world = await expectWorlds(controls).create(body);
      return { status: 201, body: { id: world.id, ases: [...world.ases], env: world.describeEnvironment() } };
    },
    'delete-world': async (_call, { params }) => {
      if (!(await expectWorlds(controls).remove(params.world))) throw new Problem('not_found');
      return { status: 204 };
    },
    'get-ledger': async () => ({
      status: 200,
      body: { ases: (await controls.ledgers()).map(({ name, books }) => ({ name, ...toWireBooks(books) })) },
    }),
  } satisfies Handlers<Call<undefined>>;

  return {
    name: 'control',
    routes,
    validateRequest,
    responseBody,
    handlers,
    validates: 'after-authentication',
    identify: async (credentials) => {
      const read = (name: string) => headerLines(credentials.exchange, name)[0];
      checkOperator({ host: read('host'), origin: read('origin'), authorization: read('authorization') }, token, hosts);
      return { caller: undefined };
    },
    render: (problem, _operationId, failureId) => {
      const [status, code, description] = catalogue[problem.code as Code] ?? catalogue.internal_error;
      const own = status === 500 ? `${description} ${failureId}` : problem.description;
      return { status, body: { error: { code, description: own ?? description } } };
    },
  };
}

function expectWorlds({ worlds }: Controls): Worlds {
  if (!worlds) throw new Problem('not_found', { description: 'only the first world has others beside it' });
  return worlds;
}

function readClockChange(body: { freeze: true } | { advance: number } | { set: string } | { run: true }): ClockChange {
  if ('freeze' in body) return { action: 'freeze' };
  if ('advance' in body) return { action: 'advance', milliseconds: body.advance * 1000 };
  if ('set' in body) return { action: 'set', time: Date.parse(body.set) };
  return { action: 'run' };
}

function toWireBooks({ lines, totals, balanced }: TrialBalance) {
  return {
    balanced,
    accounts: lines.map(({ account, kind, asset, debits, credits, balance }) => ({
      account,
      kind,
      assetCode: asset.code,
      assetScale: asset.scale,
      debits: `${debits}`,
      credits: `${credits}`,
      balance: `${balance}`,
    })),
    totals: totals.map(({ asset, debits, credits }) => ({
      assetCode: asset.code,
      assetScale: asset.scale,
      debits: `${debits}`,
      credits: `${credits}`,
    })),
  };
}
