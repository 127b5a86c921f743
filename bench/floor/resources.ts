/** Wallet addresses, incoming payments and quotes of the floor. */
import { createCipheriv, randomBytes, randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import type { QueryResultRow } from 'pg';
import { timeOrderedUuid } from '../../src/ids.ts';
import { ASE, query } from './database.ts';
import { amount, bearerToken, digestSecret, hmac, instant, noStore, Refused, readBody, sendJson } from './http.ts';
import { checkSignature } from './signatures.ts';

/** Joins and conditions of a token in force; its digest is $2, the present $3. */
export const FROM_TOKEN = 'from access_token t join gnap_grant g on g.ase = t.ase and g.id = t.grant_id';
export const IS_VALID = `t.ase = $1 and t.value_digest = $2 and t.revoked_at is null and t.expires_at > $3
  and g.finalization = 'issued'`;

interface AccessItem {
  readonly type: string;
  readonly actions: readonly string[];
  readonly limits?: { readonly debitAmount?: { readonly value: string } };
}

export function accessItem(access: readonly AccessItem[], type: string, action: string): AccessItem {
  const item = access.find((candidate) => candidate.type === type && candidate.actions.includes(action));
  if (!item) throw new Refused(403);
  return item;
}

const credentialKeys = { nonce: randomBytes(32), token: randomBytes(32), secret: randomBytes(32) };

function createMethods(id: string) {
  const nonce = hmac(credentialKeys.nonce, id).subarray(0, 12);
  const cipher = createCipheriv('aes-256-gcm', credentialKeys.token, nonce);
  const token = Buffer.concat([Buffer.of(1), nonce, cipher.update(id, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return [
    {
      type: 'ilp',
      ilpAddress: `test.${ASE}.${token.toString('base64url')}`,
      sharedSecret: hmac(credentialKeys.secret, token).toString('base64url'),
    },
  ];
}

export function createResources(origin: string) {
  const auth = `${origin}/auth/`;

  const incomingBody = (row: QueryResultRow) => ({
    id: `${origin}/incoming-payments/${row['id']}`,
    walletAddress: row['url'],
    completed: row['completed'],
    ...(row['incoming_amount'] !== null && {
      incomingAmount: amount(row['incoming_amount'], row['asset_code'], row['asset_scale']),
    }),
    receivedAmount: amount(row['received_amount'], row['asset_code'], row['asset_scale']),
    expiresAt: instant(Date.parse(row['expires_at'])),
    ...(row['metadata'] !== null && { metadata: row['metadata'] }),
    createdAt: instant(Date.parse(row['created_at'])),
  });

  async function readPublic(id: string, res: Response): Promise<void> {
    const [row] = await query(
      'incoming-public',
      `select p.received_amount, p.asset_code, p.asset_scale from incoming_payment p
       join wallet_address w on w.ase = p.ase and w.id = p.wallet_address_id
       where p.ase = $1 and p.id = $2 and w.active`,
      [id],
    );
    if (!row) throw new Refused(404);
    const receivedAmount = amount(row['received_amount'], row['asset_code'], row['asset_scale']);
    sendJson(res, 200, { authServer: auth, receivedAmount });
  }

  return {
    async walletAddress(req: Request, res: Response): Promise<void> {
      const [row] = await query(
        'wallet',
        `select w.url, w.public_name, a.asset_code, a.asset_scale from wallet_address w
         join account a on a.ase = w.ase and a.id = w.account_id where w.ase = $1 and w.path = $2 and w.active`,
        [req.url],
      );
      if (!row) throw new Refused(404);
      const { url: id, public_name: publicName, asset_code: assetCode, asset_scale: assetScale } = row;
      const body = { id, publicName, assetCode, assetScale, authServer: auth, resourceServer: origin };
      sendJson(res, 200, body, { 'Cache-Control': 'max-age=300', Vary: 'Accept' });
    },

    async keys(req: Request, res: Response): Promise<void> {
      const rows = await query(
        'keys',
        `select k.jwk from wallet_address w
         left join wallet_address_key k on k.ase = w.ase and k.wallet_address_id = w.id
         where w.ase = $1 and w.path = $2 and w.active order by k.created_at, k.kid`,
        [req.url.slice(0, -'/jwks.json'.length)],
      );
      sendJson(res, 200, { keys: rows.map((row) => row['jwk']) }, { 'Cache-Control': 'no-cache' });
    },

    async createIncoming(req: Request, res: Response): Promise<void> {
      const body = await readBody(req);
      const { walletAddress, incomingAmount, metadata = null } = JSON.parse(body.toString());
      const now = Date.now();
      const [caller] = await query(
        'incoming-caller',
        `select g.id, g.client_id, g.access, w.id as wallet, w.url, w.account_id, a.asset_code, a.asset_scale
         ${FROM_TOKEN}
         left join (wallet_address w join account a on a.ase = w.ase and a.id = w.account_id)
           on w.ase = t.ase and w.url = $4 and w.active
         where ${IS_VALID}`,
        [digestSecret(bearerToken(req)), instant(now), walletAddress],
      );
      if (!caller) throw new Refused(401);
      await checkSignature(req, origin, caller['client_id'], body);
      accessItem(caller['access'], 'incoming-payment', 'create');
      if (caller['wallet'] === null) throw new Refused(400);
      const { asset_code, asset_scale } = caller;
      const row = {
        ...{
          id: randomUUID(),
          url: caller['url'],
          asset_code,
          asset_scale,
          received_amount: '0',
          completed: false,
        },
        ...{ incoming_amount: incomingAmount?.value ?? null, metadata },
        ...{ expires_at: instant(now + 30 * 86_400_000), created_at: instant(now) },
      };
      await query(
        'incoming-insert',
        `insert into incoming_payment (ase, id, wallet_address_id, account_id, client_id, asset_code, asset_scale,
           incoming_amount, received_amount, completed, expires_at, metadata, created_at, grant_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 0, false, $9, $10, $11, $12)`,
        [
          ...[row.id, caller['wallet'], caller['account_id'], caller['client_id'], asset_code, asset_scale],
          ...[row.incoming_amount, row.expires_at, metadata && JSON.stringify(metadata), row.created_at, caller['id']],
        ],
      );
      sendJson(res, 201, { ...incomingBody(row), methods: createMethods(row.id) });
    },

    async readIncoming(req: Request, res: Response): Promise<void> {
      const id = req.params['id'] as string;
      if (req.headers.authorization === undefined) return readPublic(id, res);
      const [row] = await query(
        'incoming-read',
        `select g.client_id as caller, g.access, p.id, p.client_id, w.url, p.asset_code, p.asset_scale,
           p.incoming_amount, p.received_amount, p.completed, p.expires_at, p.metadata, p.created_at
         ${FROM_TOKEN}
         left join (incoming_payment p
           join wallet_address w on w.ase = p.ase and w.id = p.wallet_address_id and w.active)
           on p.ase = t.ase and p.id = $4
         where ${IS_VALID}`,
        [digestSecret(bearerToken(req)), instant(Date.now()), id],
      );
      if (!row) throw new Refused(401);
      await checkSignature(req, origin, row['caller']);
      accessItem(row['access'], 'incoming-payment', 'read');
      if (row['id'] === null || row['client_id'] !== row['caller']) throw new Refused(404);
      sendJson(res, 200, { ...incomingBody(row), methods: createMethods(row['id']) });
    },

    async listIncoming(req: Request, res: Response): Promise<void> {
      const parameters = new URLSearchParams(req.url.slice(req.url.indexOf('?')));
      const size = Number(parameters.get('first') ?? 20);
      const rows = await query(
        'incoming-list',
        `select g.client_id as caller, g.access, p.*
         ${FROM_TOKEN}
         left join wallet_address w on w.ase = t.ase and w.url = $4 and w.active
         left join lateral (
           select p.id, w.url, p.asset_code, p.asset_scale, p.incoming_amount, p.received_amount, p.completed,
             p.expires_at, p.metadata, p.created_at
           from incoming_payment p
           where p.ase = w.ase and p.wallet_address_id = w.id and p.client_id = g.client_id
           order by p.created_at desc, p.id desc limit $5) p on true
         where ${IS_VALID} order by p.created_at desc, p.id desc`,
        [digestSecret(bearerToken(req)), instant(Date.now()), parameters.get('wallet-address'), size + 1],
      );
      if (!rows[0]) throw new Refused(401);
      await checkSignature(req, origin, rows[0]['caller']);
      accessItem(rows[0]['access'], 'incoming-payment', 'list');
      const shown = rows.slice(0, size);
      const cursor = (row: QueryResultRow | undefined) =>
        row && Buffer.from(`${row['created_at']} ${row['id']}`).toString('base64url');
      const pagination = {
        startCursor: cursor(shown[0]),
        endCursor: cursor(shown.at(-1)),
        hasNextPage: rows.length > size,
        hasPreviousPage: false,
      };
      sendJson(res, 200, { pagination, result: shown.map(incomingBody) }, noStore);
    },

    async createQuote(req: Request, res: Response): Promise<void> {
      const body = await readBody(req);
      const { walletAddress, receiver, receiveAmount } = JSON.parse(body.toString());
      const now = Date.now();
      const [caller] = await query(
        'quote-caller',
        `select g.client_id, g.access, w.id as wallet, w.url, w.account_id, a.asset_code, a.asset_scale, p.completed,
           p.incoming_amount, p.received_amount, p.expires_at, p.asset_code as receive_code,
           p.asset_scale as receive_scale
         ${FROM_TOKEN}
         left join (wallet_address w join account a on a.ase = w.ase and a.id = w.account_id)
           on w.ase = t.ase and w.url = $4 and w.active
         left join incoming_payment p on p.ase = t.ase and p.id = $5
         where ${IS_VALID}`,
        [digestSecret(bearerToken(req)), instant(now), walletAddress, receiver.slice(-36)],
      );
      if (!caller) throw new Refused(401);
      await checkSignature(req, origin, caller['client_id'], body);
      accessItem(caller['access'], 'quote', 'create');
      if (caller['wallet'] === null || caller['completed'] !== false) throw new Refused(400);
      const { asset_code, asset_scale, receive_code, receive_scale } = caller;
      const [id, value, createdAt] = [timeOrderedUuid(), receiveAmount.value, instant(now)];
      const expiresAt = instant(Math.min(now + 900_000, Date.parse(caller['expires_at'])));
      await query(
        'quote-insert',
        `insert into quote (ase, id, wallet_address_id, account_id, client_id, receiver, debit_amount,
           debit_asset_code, debit_asset_scale, fee, receive_amount, receive_asset_code, receive_asset_scale,
           created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $7, $10, $11, $12, $13)`,
        [
          ...[id, caller['wallet'], caller['account_id'], caller['client_id'], receiver, value],
          ...[asset_code, asset_scale, receive_code, receive_scale, createdAt, expiresAt],
        ],
      );
      sendJson(res, 201, {
        id: `${origin}/quotes/${id}`,
        walletAddress: caller['url'],
        receiver,
        receiveAmount: amount(value, receive_code, receive_scale),
        debitAmount: amount(value, asset_code, asset_scale),
        method: 'ilp',
        createdAt,
        expiresAt,
      });
    },
  };
}
