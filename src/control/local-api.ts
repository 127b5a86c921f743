/**
 * The control API within this process: the validation, the handlers and the audit log of the interface, without HTTP.
 * The inspector reads and changes everything through it.
 */
import { type Handlers, routes } from '../../generated/control/routes.ts';
import type { operations } from '../../generated/control/types.ts';
import { Problem } from '../errors.ts';
import type { OperationRequest } from '../http/operation.ts';
import { policyOf } from '../http/policy.ts';
import { receiveRequest } from '../http/received-request.ts';
import { RequestInvalid } from '../http/request-validator.ts';
import type { AdministrationDeps, ControlCall } from './ase-access.ts';
import { validateControlRequest } from './server.ts';

type Id = keyof operations & keyof Handlers<ControlCall>;
type Success<Reply> = Reply extends { status: 200 | 201; body: infer Body } ? Body : never;
type Body<Op extends Id> = OperationRequest<operations[Op]>['body'];

/** The parts of a request. Parameters are text, as in a URL. */
export interface LocalRequest<Op extends Id> {
  readonly params?: Readonly<Record<string, string>>;
  /** Absent values are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: Body<Op>;
}

export type ControlApi = <Op extends Id>(
  operationId: Op,
  request?: LocalRequest<Op>,
) => Promise<Success<Awaited<ReturnType<Handlers<ControlCall>[Op]>>>>;

/** Calls throw a Problem where the interface would answer with an error. */
export function createLocalApi(handlers: Handlers<ControlCall>, { db }: Pick<AdministrationDeps, 'db'>): ControlApi {
  return async (operationId, { params = {}, query = {}, body } = {}) => {
    const route = routes[operationId];
    const path = route.path.replaceAll(/\{([^{}]+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
    const validated = await validateControlRequest({
      operationId,
      method: route.method,
      path,
      params,
      query: Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined && value !== '')),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body,
    }).catch((error: unknown) => {
      throw error instanceof RequestInvalid ? new Problem('invalid_request', { description: error.message }) : error;
    });
    const call: ControlCall = {
      exchange: receiveRequest({ method: route.method, url: path, rawHeaders: [] }, '', Buffer.alloc(0)),
      policy: policyOf(route),
      caller: undefined,
      signature: undefined,
      transaction: (work) => db.transaction(work),
      change: () => Promise.reject(new Error('changes of the control API are audited, in a transaction')),
      toValidReply: (reply) => reply,
    };
    // The validator has given the parts the types of the document.
    const handle = handlers[operationId] as (call: ControlCall, request: unknown) => Promise<{ body?: unknown }>;
    return (await handle(call, validated)).body as never;
  };
}
