/** Token introspection for resource servers in other processes (RFC 9767 §3.3, in Rafiki's JSON; INT-01…13, INT-N01). */
import { isDeepStrictEqual } from 'node:util';
import document from '../../generated/token-introspection/document.json' with { type: 'json' };
import { type Handlers, routes } from '../../generated/token-introspection/routes.ts';
import type { components } from '../../generated/token-introspection/types.ts';
import { responseBody } from '../../generated/token-introspection/validators.js';
import type { Clock } from '../clock.ts';
import { equalSecrets } from '../crypto/secret-digest.ts';
import type { Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Call, Server } from '../http/pipeline.ts';
import { headerLines } from '../http/received-request.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import type { Access } from '../open-payments/access.ts';
import { findCaller } from './caller.ts';
import { renderIntrospectionProblem } from './problem.ts';

export interface IntrospectionDeps {
  readonly ase: string;
  readonly db: Pick<Database, 'query'>;
  readonly clock: Clock;
  /** Shared with the resource server, which shows it as a bearer token (INT-03). */
  readonly secret: string;
}

type AskedAccess = components['schemas']['access-item'];

const validateRequest = createRequestValidator(document);

export function createIntrospectionServer(deps: IntrospectionDeps): Server<undefined> {
  const handlers = {
    'introspect-token': async (_call, { body }) => {
      const found = await findCaller(deps.db.query, deps.ase, body.access_token, deps.clock.businessNow());
      if (!found) return { status: 200, body: { active: false } };
      const access = found.access.filter((granted) => body.access?.some((asked) => covers(granted, asked)));
      const client = 'jwk' in found.client ? { jwk: { ...found.client.jwk } } : found.client;
      return { status: 200, body: { active: true, grant: found.grantId, access, client } };
    },
  } satisfies Handlers<Call<undefined>>;
  return {
    name: 'token-introspection',
    routes,
    validateRequest,
    responseBody,
    handlers,
    validates: 'after-authentication',
    async identify({ exchange }) {
      const [line = ''] = headerLines(exchange, 'authorization');
      const secret = /^Bearer +(\S+)$/i.exec(line)?.[1];
      if (!equalSecrets(secret, deps.secret)) throw new Problem('unknown_resource_server');
      return { caller: undefined };
    },
    render: renderIntrospectionProblem,
  };
}

/**
 * Whether a granted item holds what is asked for: same type, every action (`read-all` covers `read`, `list-all` covers
 * `list`), and identifier and limits where both name one (INT-07…09).
 */
export function covers(granted: Access, asked: AskedAccess): boolean {
  const actions: readonly string[] = granted.actions;
  const limits = granted.type === 'outgoing-payment' ? granted.limits : undefined;
  return (
    granted.type === asked.type &&
    asked.actions.every((action) => actions.includes(action) || actions.includes(`${action}-all`)) &&
    (asked.identifier === undefined || granted.identifier === undefined || asked.identifier === granted.identifier) &&
    (asked.limits === undefined || isDeepStrictEqual(asked.limits, limits))
  );
}
