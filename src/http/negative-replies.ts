/**
 * The catalogue of negative replies: every operation, status and code of an error that the documents declare, when it
 * comes about, and how a client provokes it by name: `Prefer: fault=403`, or the wallet address `/reply/create-quote-403`.
 */
import { errorCodes } from '../../generated/auth-server/errors.ts';
import { routes as authRoutes } from '../../generated/auth-server/routes.ts';
import { routes as resourceRoutes } from '../../generated/resource-server/routes.ts';
import { routes as walletAddressRoutes } from '../../generated/wallet-address-server/routes.ts';
import type { Fault, FaultSelector } from '../faults.ts';

export interface NegativeReply {
  /** Unique: `create-quote-403`, and with the code for all but the first code of a status. */
  readonly name: string;
  readonly operation: string;
  readonly status: number;
  readonly code: string;
  /** Undefined if Touchstone sends it only where it is asked for by name. */
  readonly cause: string | undefined;
}

type Causes = Readonly<Record<string, string>>;

/** Sentences by status and code. Those of an operation, which come first, by operation, status and code. */
const common: Causes = {
  '405': 'The method is not one that the document declares.',
  '413': 'The content is larger than the server accepts.',
  '429': 'Too many requests, where rate limits are on.',
  '500': 'An internal error.',
  '503': 'Overload, or the database cannot be reached.',
};

const authCauses: Causes = {
  ...common,
  '400 invalid_request': 'Content or query do not match the document, or the rights do not exist.',
  '400 invalid_client': 'The client or its key set cannot be found.',
  '400 too_fast': 'The grant is continued before its `wait` has passed.',
  '400 invalid_rotation': 'The request has a query or content that the rotation does not take.',
  '401 invalid_client': 'The signature is missing or wrong, or the key is not that of the client.',
  '401 invalid_continuation': 'The grant is unknown or has been cancelled, or the token does not continue it.',
  'post-continue 401 request_denied':
    'The account holder has refused, the interaction is not over or has expired, or `interact_ref` is missing.',
  '404 invalid_continuation': 'The interaction did not end with this `interact_ref`.',
  'delete-continue 404 invalid_request': 'The request has a query or content that cancelling does not take.',
  '404 invalid_rotation': 'Another rotation or a revocation came first.',
};

const walletAddressCauses: Causes = {
  ...common,
  '400 invalid_request': 'A query parameter is unknown, where those are refused.',
  '404 not_found': 'The wallet address is unknown or disabled.',
  '406 not_acceptable': 'The `Accept` header excludes JSON.',
};

const resourceCauses: Causes = {
  ...common,
  '400 invalid_request': 'Content, query or headers do not match the document.',
  'create-incoming-payment 400 invalid_request': 'The content does not match the document, or `expiresAt` has passed.',
  'create-quote 400 invalid_request': 'The receiver cannot be paid, or the amount is too small to deliver anything.',
  'create-outgoing-payment 400 invalid_request': 'The quote was used or has expired, or the content is not valid.',
  'list-incoming-payments 400 invalid_request': 'The cursor is unknown, or `first` and `last` are both given.',
  'list-outgoing-payments 400 invalid_request': 'The cursor is unknown, or `first` and `last` are both given.',
  '401 invalid_token': 'The access token is missing, unknown, expired or revoked.',
  '401 invalid_signature': 'The signature is missing or wrong, or the key is not the one that the token is bound to.',
  '403 insufficient_grant': 'The token does not include this right.',
  'create-outgoing-payment 403 insufficient_grant': 'The token does not include this right, or its limit is reached.',
  '404 not_found': 'It does not exist, or belongs to another client.',
  'create-outgoing-payment 404 not_found': 'The quote does not exist.',
  '409 conflict': 'The payment has been completed or has expired.',
  '415 invalid_request': 'The content is not JSON, or is encoded.',
  '500 no_rate': 'No rate is known between the two assets.',
  '503 unavailable': 'Access tokens cannot be checked, or the server is overloaded.',
};

/** Codes of the resource server, whose document allows any. The first one of a status is the one without a code in its name. */
const resourceCodes: Readonly<Record<number, readonly string[]>> = {
  400: ['invalid_request'],
  401: ['invalid_token', 'invalid_signature'],
  403: ['insufficient_grant'],
  404: ['not_found'],
  405: ['method_not_allowed'],
  409: ['conflict'],
  413: ['invalid_request'],
  415: ['invalid_request'],
  429: ['too_many_requests'],
  500: ['internal_error'],
  503: ['unavailable'],
};

const walletAddressCodes: typeof resourceCodes = { ...resourceCodes, 406: ['not_acceptable'] };

/** These convert between assets. */
const converting = ['create-quote', 'create-outgoing-payment'];

type Routes = Readonly<Record<string, { readonly responses: readonly number[] }>>;

function listReplies(
  routes: Routes,
  causes: Causes,
  codesOf: (operation: string, status: number) => readonly string[],
): NegativeReply[] {
  return Object.entries(routes).flatMap(([operation, { responses }]) =>
    responses
      .filter((status) => status >= 400)
      .flatMap((status) =>
        codesOf(operation, status).map((code, index) => ({
          name: `${operation}-${status}${index === 0 ? '' : `-${code}`}`,
          ...{ operation, status, code },
          cause: causes[`${operation} ${status} ${code}`] ?? causes[`${status} ${code}`] ?? causes[status],
        })),
      ),
  );
}

const authCodes: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = errorCodes;

/** All of them, by server and operation. */
export const negativeReplies: readonly NegativeReply[] = [
  ...listReplies(walletAddressRoutes, walletAddressCauses, (_operation, status) => walletAddressCodes[status]!),
  ...listReplies(authRoutes, authCauses, (operation, status) => authCodes[operation]![status]!),
  ...listReplies(resourceRoutes, resourceCauses, (operation, status) => [
    ...resourceCodes[status]!,
    ...(status === 500 && converting.includes(operation) ? ['no_rate'] : []),
  ]),
];

const byName = new Map(negativeReplies.map((reply) => [reply.name, reply]));

export const findNegativeReply = (name: string): NegativeReply | undefined => byName.get(name);

/** Its label in a `Prefer` header of a call of the operation. */
export const preferenceFor = ({ name, operation }: NegativeReply): string => name.slice(operation.length + 1);

/** The fault that answers the next call of the operation with this reply. */
export const faultFor = ({ operation, status, code }: NegativeReply) =>
  ({ operation, nth: 1, times: 1, kind: 'status', status, code }) satisfies Fault;

/** Adds the replies that clients ask for with `Prefer: fault=403` to the faults that are injected. */
export const withPreferredReplies =
  (select: FaultSelector): FaultSelector =>
  (operation, call) => {
    const fault = select(operation, call);
    if (fault) return fault;
    const reply = call
      ?.preferences()
      .map((label) => findNegativeReply(`${operation}-${label}`))
      .find(Boolean);
    return reply && faultFor(reply);
  };
