/** Requesting a grant (RFC 9635 §2, §3; AS-01…11, AS-55…73). */
import type { GrantApiHandlers } from '../../generated/auth-server/routes.ts';
import type { components, operations } from '../../generated/auth-server/types.ts';
import { digestSecret } from '../crypto/secret-digest.ts';
import { toInstant, toJson } from '../database/columns.ts';
import type { Transaction } from '../database/database.ts';
import { isLoopback } from '../net/loopback.ts';
import { createAbandonedGrantCleanup } from './abandoned-grants.ts';
import { checkAttributable, needsConsent, readAccess } from './access.ts';
import { issueToken } from './access-token.ts';
import { type AuthCall, expectCaller } from './caller.ts';
import { clientIdOf, readDisplayName } from './client-instance.ts';
import { continueMember } from './continuation.ts';
import type { AuthDeps } from './deps.ts';
import { stateColumns } from './grant.ts';
import { authProblem } from './problem.ts';
import { resolveWalletAddresses } from './resource-owner.ts';

export type WireRequest = operations['post-request']['requestBody']['content']['application/json'];
type InteractRequest = components['schemas']['interact-request'];

export function createGrantRequestHandlers(deps: AuthDeps) {
  const { ase, db, clock, ids, switches, authServer, outbound, grants = {} } = deps;
  const { waitSeconds = 0, interactionSeconds = 600, consentFor = [] } = grants;
  const removeForgottenGrants = createAbandonedGrantCleanup(deps);

  return {
    'post-request': async (call, { body }) => {
      const { client } = expectCaller(call, 'client');
      const request = body as WireRequest;
      checkStorable(request);

      // What is asked for: rights (RFC 9635 §2.1) and subject information (§2.2)
      const wanted = readAccess(request.access_token?.access ?? [], { ...deps, consentFor });
      if (wanted.length === 0 && !request.subject) throw invalid('subject or access_token required');
      const { access, subject } = await resolveWalletAddresses(db.query, ase, {
        access: wanted,
        subject: request.subject,
      });
      checkAttributable(access);

      // Whether somebody must consent (§1.6), and how the client would have that happen (§2.5)
      const interactive = subject !== undefined || access.some((item) => needsConsent(item, consentFor));
      const finish = request.interact && readInteract(request.interact, deps);
      if (interactive && 'jwk' in client) {
        throw authProblem('unusable_client', { description: 'a jwk client cannot ask for a grant with interaction' });
      }
      if (interactive && !request.interact) throw invalid("missing required request field 'interact'");
      const clientName =
        interactive && 'walletAddress' in client ? await readDisplayName(outbound, client, switches) : null;

      const now = clock.businessNow();
      const grant = { id: ids.uuid(), access, continueId: ids.uuid(), wait: waitSeconds };
      const continueToken = ids.token();
      const interaction = interactive ? { id: ids.uuid(), nonce: ids.token() } : undefined;
      const clientId = await clientIdOf(client);

      const insertGrant = (tx: Transaction) =>
        tx
          .insertInto('gnap_grant')
          .values({
            ase,
            id: grant.id,
            // Nothing to consent to: approved as it is made, and issued in the same step.
            ...stateColumns(interactive ? 'pending' : 'issued'),
            client_id: clientId,
            client_wallet_address: 'walletAddress' in client ? client.walletAddress : null,
            client_jwk: 'jwk' in client ? toJson(client.jwk) : null,
            client_name: clientName,
            access: toJson(access),
            subject: subject ? toJson(subject) : null,
            continue_id: grant.continueId,
            continue_digest: digestSecret(continueToken),
            wait: grant.wait,
            continued_at: toInstant(now),
            created_at: toInstant(now),
            interaction_id: interaction?.id ?? null,
            interaction_nonce: interaction?.nonce ?? null,
            interaction_expires_at: interaction ? toInstant(now + interactionSeconds * 1000) : null,
            client_nonce: (interaction && finish?.nonce) ?? null,
            finish_uri: (interaction && finish?.uri) ?? null,
            session_digest: null,
            interact_ref_digest: null,
          })
          .execute();

      await removeForgottenGrants();
      return call.transaction(async (tx) => {
        await insertGrant(tx);
        const continuation = continueMember(authServer, grant, continueToken);
        if (!interaction) {
          return { status: 200, body: { access_token: await issueToken(tx, deps, grant), continue: continuation } };
        }
        const shown = new URLSearchParams({ clientName: clientName ?? '', clientUri: clientId });
        return {
          status: 200,
          body: {
            interact: {
              redirect: `${authServer}interact/${interaction.id}/${interaction.nonce}?${shown}`,
              finish: interaction.nonce,
            },
            continue: continuation,
          },
        };
      });
    },
  } satisfies Pick<GrantApiHandlers<AuthCall>, 'post-request'>;
}

/** The client's way to learn of the end; undefined if it polls (RFC 9635 §2.5.2; AS-70…72, AS-94). */
function readInteract(interact: InteractRequest, { allowHttp }: Pick<AuthDeps, 'allowHttp'>) {
  if (interact.start.length === 0) throw invalid('interact.start names no mode');
  const { finish } = interact;
  if (!finish) return undefined;
  // The nonce is a line of the interaction hash (§4.2.3).
  if (!/^[\x21-\x7e]+$/.test(finish.nonce)) throw invalid('interact.finish.nonce must be printable ASCII');
  const hashMethod = (finish as { hash_method?: unknown }).hash_method;
  if (hashMethod !== undefined && hashMethod !== 'sha-256')
    throw invalid('interact.finish.hash_method must be sha-256');
  return { uri: readFinishUri(finish.uri, allowHttp), nonce: finish.nonce };
}

/** Schemes that browsers serve themselves: a redirect there could run or read something. */
const NO_FINISH = /^(javascript|data|file|filesystem|blob|about|vbscript|view-source|ws|wss|ftp|mailto|tel):$/;

/** Absolute, no fragment; https:, http: where that stays on the machine, or a scheme of the client's own (AS-94). */
function readFinishUri(text: string, allowHttp: boolean): string {
  const uri = URL.parse(text);
  if (!uri || text.includes('#')) throw invalid('interact.finish.uri must be absolute and without a fragment');
  if (uri.username || uri.password) throw invalid('interact.finish.uri must not hold credentials');
  const plain = uri.protocol === 'http:' && !allowHttp && !isLoopback(uri.hostname);
  if (plain || NO_FINISH.test(uri.protocol)) throw invalid(`interact.finish.uri must not use ${uri.protocol} here`);
  return uri.href;
}

/** PostgreSQL stores neither NUL nor half a surrogate pair; JSON.stringify writes both as escapes. */
function checkStorable(request: unknown): void {
  if (/\\u(0000|d[89a-f])/.test(JSON.stringify(request))) throw invalid('text that is no Unicode, or holds NUL');
}

const invalid = (description: string) => authProblem('invalid_request', { description });
