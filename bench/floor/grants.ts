/** Grants of the floor: without consent, with it, and the token at the end. Consent is given automatically. */
import { createHash, randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { timeOrderedUuid } from '../../src/ids.ts';
import { query } from './database.ts';
import { digestSecret, instant, newToken, Refused, readBody, sendJson } from './http.ts';
import { checkSignature } from './signatures.ts';

const TOKEN_SECONDS = 600;

const newAccessToken = (now: number) => ({
  id: timeOrderedUuid(),
  manageId: timeOrderedUuid(),
  value: newToken(),
  createdAt: instant(now),
  expiresAt: instant(now + TOKEN_SECONDS * 1000),
});

type AccessToken = ReturnType<typeof newAccessToken>;

const describeToken = (auth: string, token: AccessToken, access: unknown) => ({
  value: token.value,
  manage: `${auth}token/${token.manageId}`,
  expires_in: TOKEN_SECONDS,
  access,
});

const describeContinuation = (auth: string, id: string, value: string) => ({
  access_token: { value },
  uri: `${auth}continue/${id}`,
  wait: 0,
});

export function createGrants(origin: string) {
  const auth = `${origin}/auth/`;

  async function issue(client: string, access: unknown, res: Response): Promise<void> {
    const now = Date.now();
    const token = newAccessToken(now);
    const [id, continueId, continueToken] = [timeOrderedUuid(), timeOrderedUuid(), newToken()];
    await query(
      'issue',
      `with g as (
         insert into gnap_grant (ase, id, state, finalization, client_id, client_wallet_address, access, continue_id,
           continue_digest, wait, continued_at, created_at)
         values ($1, $2, 'finalized', 'issued', $3, $3, $4, $5, $6, 0, $7, $7) returning ase, id)
       insert into access_token (ase, id, grant_id, manage_id, value_digest, created_at, expires_at)
       select ase, $8, id, $9, $10, $7, $11 from g`,
      [
        ...[id, client, JSON.stringify(access), continueId, digestSecret(continueToken), token.createdAt],
        ...[token.id, token.manageId, digestSecret(token.value), token.expiresAt],
      ],
    );
    const access_token = describeToken(auth, token, access);
    sendJson(res, 200, { access_token, continue: describeContinuation(auth, continueId, continueToken) });
  }

  async function askConsent(
    client: string,
    access: unknown,
    finish: { readonly uri: string; readonly nonce: string },
    res: Response,
  ): Promise<void> {
    const now = Date.now();
    const [id, continueId, continueToken] = [timeOrderedUuid(), timeOrderedUuid(), newToken()];
    const [interactionId, nonce] = [randomUUID(), newToken()];
    const [row] = await query(
      'ask',
      `insert into gnap_grant (ase, id, state, client_id, client_wallet_address, client_name, access, continue_id,
         continue_digest, wait, continued_at, created_at, interaction_id, interaction_nonce, interaction_expires_at,
         client_nonce, finish_uri)
       select $1, $2, 'pending', url, url, public_name, $4, $5, $6, 0, $7, $7, $8, $9, $10, $11, $12
       from wallet_address where ase = $1 and url = $3 and active returning client_name`,
      [
        ...[id, client, JSON.stringify(access), continueId, digestSecret(continueToken), instant(now)],
        ...[interactionId, nonce, instant(now + 600_000), finish.nonce, finish.uri],
      ],
    );
    if (!row) throw new Refused(400);
    const parameters = `clientName=${encodeURIComponent(row['client_name'])}&clientUri=${encodeURIComponent(client)}`;
    sendJson(res, 200, {
      interact: { redirect: `${auth}interact/${interactionId}/${nonce}?${parameters}`, finish: nonce },
      continue: describeContinuation(auth, continueId, continueToken),
    });
  }

  return {
    async request(req: Request, res: Response): Promise<void> {
      const body = await readBody(req);
      const { client, access_token, interact } = JSON.parse(body.toString());
      await checkSignature(req, origin, client, body);
      if (interact) await askConsent(client, access_token.access, interact.finish, res);
      else await issue(client, access_token.access, res);
    },

    async interact(req: Request, res: Response): Promise<void> {
      const { id, nonce } = req.params as Record<string, string>;
      const reference = randomUUID();
      const [row] = await query(
        'interact',
        `update gnap_grant g set state = 'approved', interact_ref_digest = $4, session_digest = null, ticket_digest = null
         from wallet_address w
         where g.ase = $1 and g.interaction_id = $2 and g.interaction_nonce = $3 and g.state = 'pending'
           and g.interaction_expires_at > $5 and w.ase = g.ase and w.url = g.access->0->>'identifier' and w.active
         returning g.finish_uri, g.client_nonce`,
        [id, nonce, digestSecret(reference), instant(Date.now())],
      );
      if (!row) throw new Refused(404);
      const hashed = [row['client_nonce'], nonce, reference, auth].join('\n');
      const hash = createHash('sha256').update(hashed).digest('base64');
      res.writeHead(302, {
        Location: `${row['finish_uri']}?${new URLSearchParams({ hash, interact_ref: reference })}`,
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
        'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
        'X-Content-Type-Options': 'nosniff',
        'Set-Cookie': `interaction_session=; Path=/auth/interact/${id}; Max-Age=0; HttpOnly; SameSite=Lax`,
        'Content-Length': '0',
      });
      res.end();
    },

    async continue(req: Request, res: Response): Promise<void> {
      const body = await readBody(req);
      const { interact_ref } = JSON.parse(body.toString());
      const continueToken = (req.headers.authorization ?? '').slice('GNAP '.length);
      const [grant] = await query(
        'continue-read',
        `select id, client_id from gnap_grant where ase = $1 and continue_id = $2 and continue_digest = $3`,
        [req.params['id'], digestSecret(continueToken)],
      );
      if (!grant) throw new Refused(401);
      await checkSignature(req, origin, grant['client_id'], body);
      const token = newAccessToken(Date.now());
      const [row] = await query(
        'continue-write',
        `with g as (
           update gnap_grant set state = 'finalized', finalization = 'issued'
           where ase = $1 and id = $2 and state = 'approved' and interact_ref_digest = $3 returning ase, id, access)
         insert into access_token (ase, id, grant_id, manage_id, value_digest, created_at, expires_at)
         select ase, $4, id, $5, $6, $7, $8 from g returning (select access from g)`,
        [
          ...[grant['id'], digestSecret(interact_ref), token.id, token.manageId, digestSecret(token.value)],
          ...[token.createdAt, token.expiresAt],
        ],
      );
      if (!row) throw new Refused(401);
      const access_token = describeToken(auth, token, row['access']);
      sendJson(res, 200, {
        access_token,
        continue: describeContinuation(auth, req.params['id'] as string, continueToken),
      });
    },
  };
}
