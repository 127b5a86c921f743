/** Requesting a grant (RFC 9635 §2, §3; AS-01…11, AS-55…73). */

import type { GrantApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components, operations } from '../../generated/auth-server/types.ts';
import { digestSecret } from '../crypto/secret-digest.ts';
import { isStorableJson } from '../database/columns.ts';
import { isLoopback } from '../net/loopback.ts';
import { formatQuery } from '../net/query.ts';
import type { ClientInstance } from '../open-payments/client.ts';
import { checkAttributable, needsConsent, parseAccess } from './access.ts';
import { createToken } from './access-token.ts';
import { type AuthCall, expectCaller } from './caller.ts';
import { clientIdOf, fetchPublicName, parseDisplayName } from './client-instance.ts';
import { continueMember } from './continuation.ts';
import type { AuthDeps } from './deps.ts';
import { authProblem } from './problem.ts';
import { canonicalRequest, findHosted, type Hosted, walletAddressesOf } from './resource-owner.ts';

export type WireRequest = operations['post-request']['requestBody']['content']['application/json'];
type InteractRequest = components['schemas']['interact-request'];

const invalid = (description: string) => authProblem('invalid_request', { description });

/** The requested access rights (RFC 9635 §2.1) and subject information (§2.2), with canonical wallet addresses. */
function parseRequested(deps: AuthDeps, { access_token, subject }: WireRequest) {
  const access = parseAccess(access_token?.access ?? [], deps);
  if (access.length === 0 && !subject) throw invalid('subject or access_token required');
  const requested = canonicalRequest({ access, subject });
  const interactive = subject !== undefined || requested.access.some((item) => needsConsent(item, deps.grants));
  return { ...requested, interactive };
}

/** The client, and what it asks for, among the wallet addresses of this ASE. */
async function findNamed({ db, ase }: AuthDeps, client: ClientInstance, requested: ReturnType<typeof parseRequested>) {
  const named = walletAddressesOf(requested);
  const shown = requested.interactive && 'walletAddress' in client ? [client.walletAddress] : [];
  const hosted = await findHosted(db.query, ase, [...named, ...shown]);
  if (!named.every((url) => hosted.has(url))) throw invalid('a wallet address is not hosted here');
  return hosted;
}

/** Schemes that browsers or systems handle themselves: a redirect to one could run, open or read something. */
const FORBIDDEN_FINISH = new Set(
  [
    'javascript livescript mocha jscript vbscript data blob filesystem file about view-source feed jar mhtml mk res its',
    'resource chrome edge brave opera vivaldi intent android-app shell search-ms',
    'ws wss ftp gopher ldap ssh telnet smb mailto tel sms facetime webcal magnet',
  ].flatMap((names) => names.split(' ')),
);
const FORBIDDEN_FAMILY = /^(chrome|moz|safari|ms)-/;

/** No fragment, nor anything that URL parsers drop or take for something else: white space, controls, backslashes. */
const FINISH_URI = /^[^\s\p{C}\\#]+$/u;

/** An absolute URI: https, http on loopback, or a private scheme of the client (AS-94, OPI-089). */
function parseFinishUri(text: string, allowHttp: boolean): string {
  const uri = FINISH_URI.test(text) ? URL.parse(text) : null;
  if (!uri) throw invalid('interact.finish.uri must be absolute, without fragment, white space and backslashes');
  if (uri.username || uri.password) throw invalid('interact.finish.uri must not hold credentials');
  const isWeb = /^https?:$/.test(uri.protocol);
  const isPlain = uri.protocol === 'http:' && !allowHttp && !isLoopback(uri.hostname);
  const scheme = uri.protocol.slice(0, -1);
  if (isPlain || FORBIDDEN_FINISH.has(scheme) || FORBIDDEN_FAMILY.test(scheme)) {
    throw invalid(`interact.finish.uri must not use ${scheme}: here`);
  }
  const hasHost = /^https?:\/\/[^/]/i.test(text) && /^([\w.-]+|\[[\da-f:]+\])$/.test(uri.hostname);
  if (isWeb && !hasHost) throw invalid('interact.finish.uri has a malformed host');
  return uri.href;
}

/** The client's interaction finish method; undefined if it polls (RFC 9635 §2.5.2; AS-70…72, AS-94). */
function parseInteract({ start, finish }: InteractRequest, { allowHttp }: Pick<AuthDeps, 'allowHttp'>) {
  if (start.length === 0) throw invalid('interact.start must list a mode');
  if (!finish) return undefined;
  // The nonce is a line of the interaction hash (§4.2.3).
  if (!/^[\x21-\x7e]+$/.test(finish.nonce)) throw invalid('interact.finish.nonce must be printable ASCII');
  const hashMethod = (finish as { hash_method?: unknown }).hash_method;
  if (hashMethod !== undefined && hashMethod !== 'sha-256') {
    throw invalid('interact.finish.hash_method must be sha-256');
  }
  return { uri: parseFinishUri(finish.uri, allowHttp), nonce: finish.nonce };
}

/** The name that the consent page shows. Only clients with a wallet address can ask for consent (AS-15). */
async function expectDisplayName(
  deps: AuthDeps,
  client: ClientInstance,
  request: WireRequest,
  hosted: ReadonlyMap<string, Hosted>,
): Promise<string> {
  if ('jwk' in client) {
    throw authProblem('unusable_client', { description: 'a jwk client cannot request a grant with interaction' });
  }
  if (!request.interact) throw invalid("missing required request field 'interact'");
  const own = hosted.get(client.walletAddress);
  const publicName = own ? own.publicName : await fetchPublicName(deps.outbound, client.walletAddress);
  return parseDisplayName(publicName, client, deps.switches);
}

export function createGrantRequestHandlers(deps: AuthDeps) {
  const { clock, ids, authServer, grantStore, grants = {} } = deps;
  const { waitSeconds = 0, interactionSeconds = 600 } = grants;

  return {
    'post-request': async (call, { body }) => {
      const { client } = expectCaller(call, 'client');
      const request = body as WireRequest;
      if (!isStorableJson(request)) throw invalid('text must be valid Unicode without NUL');

      // §2.1, §2.2: what the client asks for. §2.5: how it interacts. §2.3.2: how it is shown.
      const requested = parseRequested(deps, request);
      const { access, subject, interactive } = requested;
      const hosted = await findNamed(deps, client, requested);
      checkAttributable(access);
      const finish = request.interact && parseInteract(request.interact, deps);
      const clientName = interactive ? await expectDisplayName(deps, client, request, hosted) : undefined;

      // §1.5: with consent the grant is pending; without, it is approved and issued in the same step.
      const createdAt = clock.businessNow();
      const [id, continueId, continueToken] = [ids.rowId(), ids.rowId(), ids.token()];
      const clientId = await clientIdOf(client);
      const interaction = interactive
        ? { id: ids.uuid(), nonce: ids.token(), expiresAt: createdAt + interactionSeconds * 1000, finish }
        : undefined;
      const grant = {
        id,
        state: interaction ? ('pending' as const) : ('issued' as const),
        clientId,
        client,
        clientName,
        access,
        subject,
        continueId,
        continueDigest: digestSecret(continueToken),
        wait: waitSeconds,
        createdAt,
        interaction,
      };

      const continuation = continueMember(authServer, grant, continueToken);

      // §3.2
      if (!interaction) {
        const token = createToken(deps, access);
        const body = { access_token: token.wire, continue: continuation };
        return call.change({ status: 200, body }, () => grantStore.insert({ grant, token: token.stored }));
      }
      // §3.3
      const query = formatQuery({ clientName: clientName ?? '', clientUri: clientId });
      const interact = {
        redirect: `${authServer}interact/${interaction.id}/${interaction.nonce}?${query}`,
        finish: interaction.nonce,
      };
      const reply = { status: 200 as const, body: { interact, continue: continuation } };
      return call.change(reply, () => grantStore.insert({ grant }));
    },
  } satisfies Pick<GrantApiHandlers<AuthCall>, 'post-request'>;
}
