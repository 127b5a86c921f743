/** Checks that send one form of a signature or digest to both servers. RFC 9421, RFC 9530, RFC 9635 §7.3.1. */
import type { Check, CheckContext, Profile } from '../runner/check.ts';
import { expectGnapError, expectResourceError, expectStatus, expectToken } from './expect.ts';
import type { SignatureOptions } from './message-signature.ts';
import { quoteAccess } from './scenarios.ts';
import type { Call } from './signed-client.ts';
import { postGrant, postPayment } from './signed-requests.ts';

/** Check ids of one form at each of the two servers. */
export interface Ids {
  readonly grant: string;
  readonly payment: string;
}

export interface Form {
  readonly ids: Ids;
  readonly rows: readonly string[];
  readonly title: string;
  /** Changes to a valid call. */
  readonly change: () => Partial<Call>;
  /** Sends the body pretty-printed: the same value in other bytes. */
  readonly prettyPrinted?: true;
}

export const signed =
  (options: SignatureOptions): (() => Partial<Call>) =>
  () => ({ sign: options });

/** Grant requests carry no token: covering it there would be another mistake. */
function withoutAuthorization(change: Partial<Call>): Partial<Call> {
  if (!change.sign || 'privateKey' in change.sign || !change.sign.components) return change;
  return {
    ...change,
    sign: { ...change.sign, components: change.sign.components.filter((name) => name !== 'authorization') },
  };
}

const indented = (json: unknown): Partial<Call> => ({ raw: JSON.stringify(json, null, 2) });

/** The entry whose bytes change after signing needs a body that is a valid grant request before and after. */
function grantBytes(context: CheckContext, change: Partial<Call>): Partial<Call> {
  if (change.sendInstead === undefined) return change;
  const json = { client: context.target.client, access_token: { access: [quoteAccess(['create'])] }, note: 1 };
  return { ...change, raw: JSON.stringify(json), sendInstead: JSON.stringify({ ...json, note: 2 }) };
}

/** Two checks: the authorization server answers 401 `invalid_client`, the resource server 401. */
export function refusals({ ids, rows, title, change }: Form, profile?: Profile): Check[] {
  const only = profile ? { profile } : {};
  return [
    {
      id: ids.grant,
      rows: [...rows, 'AS-24', 'AS-162'],
      title: `a grant request is refused with 401: ${title}`,
      ...only,
      run: async (context) => {
        const altered = withoutAuthorization(change());
        expectGnapError(await postGrant(context, grantBytes(context, altered)), 401, 'invalid_client');
      },
    },
    {
      id: ids.payment,
      rows: [...rows, 'SIG-30', 'RS-02', 'RS-04'],
      title: `the resource server refuses with 401: ${title}`,
      ...only,
      run: async (context) => {
        expectResourceError(await postPayment(context, change()), 401, /^Signature validation error/);
      },
    },
  ];
}

/** Two checks: both servers accept the form. */
export function acceptances({ ids, rows, title, change, prettyPrinted }: Form, profile?: Profile): Check[] {
  const only = profile ? { profile } : {};
  return [
    {
      id: ids.grant,
      rows,
      title: `a grant request is accepted: ${title}`,
      ...only,
      run: async (context) => {
        const json = { client: context.target.client, access_token: { access: [quoteAccess()] } };
        const altered = withoutAuthorization(change());
        expectToken(await postGrant(context, { ...altered, ...(prettyPrinted && indented(json)) }));
      },
    },
    {
      id: ids.payment,
      rows,
      title: `the resource server accepts: ${title}`,
      ...only,
      run: async (context) => {
        const json = { walletAddress: context.receiver.url };
        expectStatus(await postPayment(context, { ...change(), ...(prettyPrinted && indented(json)) }), 201);
      },
    },
  ];
}
