/** Grants, tokens, nonces, and what grants have spent. */
import { defineEntity, p } from '@mikro-orm/core';
import type { Access, Subject } from '../open-payments/access.ts';
import type { ClientJwk } from '../open-payments/client.ts';
import { amount, ase, assetCode, assetScale, id, instant } from './entity-columns.ts';

/** A GNAP grant with its interaction (RFC 9635 §1.5, §4). Tokens and references are stored as digests only. */
export const Grant = defineEntity({
  name: 'Grant',
  tableName: 'gnap_grant',
  properties: {
    ase: ase(),
    id: id(),
    state: p.enum(['pending', 'approved', 'finalized'] as const),
    finalization: p.enum(['issued', 'rejected', 'revoked'] as const).nullable(),
    /** Identifies the client: its wallet address, or the RFC 7638 thumbprint of its key (AS-31). */
    clientId: p.text(),
    clientWalletAddress: p.text().nullable(),
    clientJwk: p.json<ClientJwk>().nullable(),
    clientName: p.text().nullable(),
    access: p.json<Access[]>(),
    subject: p.json<Subject>().nullable(),
    continueId: p.text(),
    continueDigest: p.text(),
    wait: p.integer(),
    /** Start of the current `wait` (RFC 9635 §3.1). */
    continuedAt: instant(),
    createdAt: instant(),
    interactionId: p.text().nullable(),
    /** The AS nonce; read back for the interaction hash (RFC 9635 §4.2.3). */
    interactionNonce: p.text().nullable(),
    interactionExpiresAt: instant().nullable(),
    clientNonce: p.text().nullable(),
    finishUri: p.text().nullable(),
    sessionDigest: p.text().nullable(),
    /** True once the holder is known: another browser cannot take over the session (RFC 9635 §11.24). */
    sessionKept: p.boolean().default(false),
    /** Digest of the ticket of the browser that decided; null for decisions that came without one. */
    ticketDigest: p.text().nullable(),
    interactRefDigest: p.text().nullable(),
  },
  uniques: [{ properties: ['ase', 'continueId'] }],
  indexes: [{ properties: ['ase', 'createdAt', 'id'] }],
});

export const AccessToken = defineEntity({
  name: 'AccessToken',
  tableName: 'access_token',
  properties: {
    ase: ase(),
    id: id(),
    grantId: p.text(),
    manageId: p.text(),
    valueDigest: p.text(),
    createdAt: instant(),
    expiresAt: instant(),
    revokedAt: instant().nullable(),
  },
  uniques: [{ properties: ['ase', 'manageId'] }, { properties: ['ase', 'valueDigest'] }],
  indexes: [{ properties: ['ase', 'grantId'] }],
});

/** A session of an account holder at the pages of the identity provider (AS-N05). */
export const SignInSession = defineEntity({
  name: 'SignInSession',
  tableName: 'sign_in_session',
  properties: {
    ase: ase(),
    digest: p.text().primary(),
    account: p.text(),
    expiresAt: instant(),
  },
  indexes: [{ properties: ['ase', 'expiresAt'] }],
});

/** Attempts to sign in that failed or are in progress, by account and address or by address. */
export const SignInAttempt = defineEntity({
  name: 'SignInAttempt',
  tableName: 'sign_in_attempt',
  properties: {
    ase: ase(),
    key: p.text().primary(),
    count: p.integer(),
    expiresAt: instant(),
  },
  indexes: [{ properties: ['ase', 'expiresAt'] }],
});

/** Nonces of verified signatures, remembered while the signature would still be fresh (SIG-15). */
export const SignatureNonce = defineEntity({
  name: 'SignatureNonce',
  tableName: 'signature_nonce',
  properties: {
    ase: ase(),
    keyThumbprint: p.text().primary(),
    nonce: p.text().primary(),
    expiresAt: instant(),
  },
});

/** The row that serialises all payments under one grant (LIM-13). */
export const OutgoingPaymentGrant = defineEntity({
  name: 'OutgoingPaymentGrant',
  tableName: 'outgoing_payment_grant',
  properties: { ase: ase(), grantId: p.text().primary() },
});

/** Spent totals of a grant: one row per access item, interval and receive asset. */
export const GrantSpending = defineEntity({
  name: 'GrantSpending',
  tableName: 'grant_spending',
  properties: {
    ase: ase(),
    id: id(),
    grantId: p.text(),
    /** Identifier of the access item: each item of a grant has its own limits (AS-N08). */
    identifier: p.text(),
    /** Start of the interval; null without an interval. */
    intervalStart: instant().nullable(),
    debitAssetCode: assetCode(),
    debitAssetScale: assetScale(),
    receiveAssetCode: assetCode(),
    receiveAssetScale: assetScale(),
    spentDebit: amount(),
    spentReceive: amount(),
    /** Order of use: the newest names the receive asset of the grant's totals (RS-G-08). */
    updatedAt: instant(),
  },
  indexes: [
    { properties: ['ase', 'grantId', 'identifier', 'intervalStart'] },
    { properties: ['ase', 'grantId', 'identifier', 'updatedAt'] },
  ],
});
