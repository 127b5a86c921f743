/** Token introspection for resource servers in other processes (RFC 9767 §3.3, in Rafiki's JSON; INT-01…13, INT-N01). */
import { isDeepStrictEqual } from 'node:util';
import document from '../../generated/token-introspection/document.json' with { type: 'json' };
import { type Handlers, routes } from '../../generated/token-introspection/routes.ts';
import type { components } from '../../generated/token-introspection/types.ts';
import { requests, responseBody } from '../../generated/token-introspection/validators.js';
import type { Clock } from '../clock.ts';
import { equalSecrets } from '../crypto/secret-digest.ts';
import type { Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { onlyHeaderLine } from '../http/received-request.ts';
import { createRequestValidator } from '../http/request-validator.ts';
import type { Call, Server } from '../http/server.ts';
import type { Access } from '../open-payments/access.ts';
import { findCaller } from './caller.ts';
import { renderIntrospectionProblem } from './problem.ts';

export interface IntrospectionDeps {
  readonly ase: string;
  readonly db: Pick<Database, 'query'>;
  readonly clock: Clock;
  /** Shared with the resource server, which presents it as a bearer token (INT-03). */
  readonly secret: string;
}

type RequestedAccess = components['schemas']['access-item'];

const validateRequest = createRequestValidator({ document, requests, unknownParameters: 'refuse' });

export function createIntrospectionServer(deps: IntrospectionDeps): Server<undefined> {
  const handlers = {
    'introspect-token': async (_call, { body }) => {
      const caller = await findCaller(deps.db.query, deps.ase, body.access_token, deps.clock.businessNow());
      if (!caller) return { status: 200, body: { active: false } };
      const access = caller.access.filter((granted) => body.access?.some((requested) => covers(granted, requested)));
      const client = 'jwk' in caller.client ? { jwk: { ...caller.client.jwk } } : caller.client;
      return { status: 200, body: { active: true, grant: caller.grantId, access, client } };
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
      const secret = /^Bearer +(\S+)$/i.exec(onlyHeaderLine(exchange, 'authorization') ?? '')?.[1];
      if (!equalSecrets(secret, deps.secret)) throw new Problem('unknown_resource_server');
      return { caller: undefined };
    },
    render: renderIntrospectionProblem,
  };
}

/**
 * True if a granted item covers the requested one: same type, every action (`read-all` covers `read`, `list-all`
 * covers `list`), and the same identifier and limits if both have them (INT-07…09).
 */
export function covers(granted: Access, requested: RequestedAccess): boolean {
  const actions: readonly string[] = granted.actions;
  const limits = granted.type === 'outgoing-payment' ? granted.limits : undefined;
  return (
    granted.type === requested.type &&
    requested.actions.every((action) => actions.includes(action) || actions.includes(`${action}-all`)) &&
    (requested.identifier === undefined ||
      granted.identifier === undefined ||
      requested.identifier === granted.identifier) &&
    (requested.limits === undefined || isDeepStrictEqual(requested.limits, limits))
  );
}
