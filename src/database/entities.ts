/**
 * The rows of an ASE. Every key starts with the ASE (`ase`), so that many ASEs and worlds share one database and none
 * can reach another's rows; `test/database/keys.test.ts` checks it.
 *
 * Rows are read and written through Kysely, whose types come from here: amounts (`numeric`) and instants
 * (`timestamptz`) are strings in a row and become bigint and milliseconds at the edge (`columns.ts`).
 */
import { defineEntity, p } from '@mikro-orm/core';
import type { Access, Subject } from '../auth/access.ts';
import type { ClientJwk } from '../http/client-keys.ts';

const ase = () => p.text().primary();
const id = () => p.text().primary();
const amount = () => p.decimal().precision(20).scale(0).$type<string>();
const instant = () => p.datetime(3).$type<string>();
const assetCode = () => p.text();
const assetScale = () => p.smallint();

/** What the processes of a world share: the business clock and the consent policy. */
export const World = defineEntity({
  name: 'World',
  tableName: 'world',
  properties: {
    id: p.text().primary(),
    clock: p.json<{ mode: 'live' | 'frozen'; offset: number; at: number }>(),
    consent: p.enum(['auto', 'deny', 'manual'] as const),
  },
});

/** An ASE and its secrets, from which all its credentials and keys derive. */
export const Ase = defineEntity({
  name: 'Ase',
  tableName: 'ase',
  properties: {
    ase: ase(),
    /** Oldest first; the last one makes new credentials, all of them answer (ILP-09). */
    secrets: p.json<string[]>(),
    /** Counts the changes to secrets, peers, fees and prices, so that every process sees that there was one. */
    settingsVersion: p.integer().default(0),
    /** Where events go, and what signs them (EVT-01, EVT-03). */
    webhookUrl: p.text().nullable(),
    webhookSecret: p.text().nullable(),
    /** URL of the service that exchange rates come from; null where the prices are the rates (SET-06). */
    rateSource: p.text().nullable(),
  },
});

/** Another ASE with which packets are exchanged. */
export const Peer = defineEntity({
  name: 'Peer',
  tableName: 'peer',
  properties: {
    ase: ase(),
    name: p.text().primary(),
    /** ILP address prefix of its wallet addresses. */
    prefix: p.text(),
    /** Origin of its connector. */
    endpoint: p.text(),
    incomingTokenDigest: p.text(),
    outgoingToken: p.text(),
    maxPacketAmount: amount(),
    /** The most that it may owe in each asset; null for no limit. */
    balanceLimit: amount().nullable(),
  },
  uniques: [{ properties: ['ase', 'prefix'] }, { properties: ['ase', 'incomingTokenDigest'] }],
});

/** What sending costs in an asset (SET-05). */
export const Fee = defineEntity({
  name: 'Fee',
  tableName: 'fee',
  properties: {
    ase: ase(),
    assetCode: p.text().primary(),
    assetScale: p.smallint().primary(),
    basisPoints: p.integer(),
    fixed: amount(),
  },
});

/** What one whole unit of a currency costs, in a currency common to all: a decimal (SET-10). */
export const Price = defineEntity({
  name: 'Price',
  tableName: 'price',
  properties: { ase: ase(), currency: p.text().primary(), price: p.text() },
});

export const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    ase: ase(),
    id: id(),
    kind: p.enum(['customer', 'deposit', 'hold', 'fee', 'exchange', 'peer'] as const),
    assetCode: assetCode(),
    assetScale: assetScale(),
    /** Kept for customers only and never below zero; other accounts are summed, so that no row of theirs is hot. */
    balance: p.decimal().precision(39).scale(0).$type<string>().nullable(),
    /** What a customer signs in with, by scrypt. */
    passphraseDigest: p.text().nullable(),
  },
});

export const LedgerTransfer = defineEntity({
  name: 'LedgerTransfer',
  tableName: 'ledger_transfer',
  properties: {
    ase: ase(),
    /** Derived from the cause (a payment, a packet), so that booking a cause twice is harmless. */
    id: id(),
    createdAt: instant(),
    /** What a reversal takes back, and why; null for any other transfer. */
    reverses: p.text().nullable(),
    reason: p.text().nullable(),
  },
  indexes: [{ properties: ['ase', 'createdAt', 'id'] }],
});

export const LedgerEntry = defineEntity({
  name: 'LedgerEntry',
  tableName: 'ledger_entry',
  properties: {
    ase: ase(),
    transferId: p.text().primary(),
    accountId: p.text().primary(),
    /** Signed: what the account gains. */
    amount: p.decimal().precision(39).scale(0).$type<string>(),
  },
  indexes: [{ properties: ['ase', 'accountId'] }],
});

export const WalletAddress = defineEntity({
  name: 'WalletAddress',
  tableName: 'wallet_address',
  properties: {
    ase: ase(),
    id: id(),
    /** Lower case, without trailing slash (WA-20); `/.well-known/pay` for the root. */
    path: p.text(),
    url: p.text(),
    publicName: p.text().nullable(),
    accountId: p.text(),
    active: p.boolean(),
    createdAt: instant(),
  },
  uniques: [{ properties: ['ase', 'path'] }, { properties: ['ase', 'url'] }],
});

export const WalletAddressKey = defineEntity({
  name: 'WalletAddressKey',
  tableName: 'wallet_address_key',
  properties: {
    ase: ase(),
    walletAddressId: p.text().primary(),
    kid: p.text().primary(),
    jwk: p.json<ClientJwk>(),
    createdAt: instant(),
  },
});

/** A GNAP grant with its interaction (RFC 9635 §1.5, §4). Tokens and references stand here as digests only. */
export const Grant = defineEntity({
  name: 'Grant',
  tableName: 'gnap_grant',
  properties: {
    ase: ase(),
    id: id(),
    state: p.enum(['pending', 'approved', 'finalized'] as const),
    finalization: p.enum(['issued', 'rejected', 'revoked'] as const).nullable(),
    /** Who the client is for scoping: its wallet address, or the RFC 7638 thumbprint of its key (AS-31). */
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
    interactRefDigest: p.text().nullable(),
  },
  uniques: [{ properties: ['ase', 'continueId'] }, { properties: ['ase', 'interactionId'] }],
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

export const IncomingPayment = defineEntity({
  name: 'IncomingPayment',
  tableName: 'incoming_payment',
  properties: {
    ase: ase(),
    id: id(),
    walletAddressId: p.text(),
    clientId: p.text(),
    /** Under which it was created; null if nobody's token did it. */
    grantId: p.text().nullable(),
    assetCode: assetCode(),
    assetScale: assetScale(),
    incomingAmount: amount().nullable(),
    receivedAmount: amount(),
    completed: p.boolean(),
    expiresAt: instant(),
    /** Whether its expiry became an event (EVT-04). */
    expiryAnnounced: p.boolean().default(false),
    metadata: p.json<Record<string, unknown>>().columnType('json').nullable(),
    createdAt: instant(),
  },
  indexes: [
    { properties: ['ase', 'walletAddressId', 'createdAt', 'id'] },
    { properties: ['ase', 'walletAddressId', 'clientId', 'createdAt', 'id'] },
    { properties: ['ase', 'grantId', 'createdAt', 'id'] },
  ],
});

export const Quote = defineEntity({
  name: 'Quote',
  tableName: 'quote',
  properties: {
    ase: ase(),
    id: id(),
    walletAddressId: p.text(),
    clientId: p.text(),
    receiver: p.text(),
    debitAmount: amount(),
    debitAssetCode: assetCode(),
    debitAssetScale: assetScale(),
    /** Part of the debit that stays with the ASE. */
    fee: amount(),
    receiveAmount: amount(),
    receiveAssetCode: assetCode(),
    receiveAssetScale: assetScale(),
    createdAt: instant(),
    expiresAt: instant(),
  },
});

/** An outgoing payment and, in one, the job that settles it. */
export const OutgoingPayment = defineEntity({
  name: 'OutgoingPayment',
  tableName: 'outgoing_payment',
  properties: {
    ase: ase(),
    id: id(),
    quoteId: p.text(),
    walletAddressId: p.text(),
    clientId: p.text(),
    grantId: p.text(),
    /** Row of `grant_spending` this payment counts in (LIM-N01). */
    spendingId: p.text(),
    state: p.enum(['pending', 'completed', 'failed'] as const),
    failure: p.text().nullable(),
    /** Whether the debit stands on the hold account. */
    funded: p.boolean(),
    sentAmount: amount(),
    deliveredAmount: amount(),
    metadata: p.json<Record<string, unknown>>().columnType('json').nullable(),
    createdAt: instant(),
    attempts: p.integer(),
    nextAttemptAt: instant().nullable(),
    leaseOwner: p.text().nullable(),
  },
  uniques: [{ properties: ['ase', 'quoteId'] }],
  indexes: [
    { properties: ['ase', 'walletAddressId', 'createdAt', 'id'] },
    { properties: ['ase', 'walletAddressId', 'clientId', 'createdAt', 'id'] },
    { properties: ['ase', 'grantId', 'createdAt', 'id'] },
  ],
});

/** The row that serialises all payments under one grant (LIM-13). */
export const OutgoingPaymentGrant = defineEntity({
  name: 'OutgoingPaymentGrant',
  tableName: 'outgoing_payment_grant',
  properties: { ase: ase(), grantId: p.text().primary() },
});

/** What a grant has spent: one row per access item, interval and receive asset. */
export const GrantSpending = defineEntity({
  name: 'GrantSpending',
  tableName: 'grant_spending',
  properties: {
    ase: ase(),
    id: id(),
    grantId: p.text(),
    /** The access item's identifier: items of one grant have limits of their own (AS-N08). */
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
  indexes: [{ properties: ['ase', 'grantId'] }],
});

/** Packet journal, sender's side: a Prepare stands here before it leaves (bytes and hold) until its answer is booked. */
export const OutgoingPacket = defineEntity({
  name: 'OutgoingPacket',
  tableName: 'outgoing_packet',
  properties: {
    ase: ase(),
    paymentId: p.text().primary(),
    /** Execution condition, base64url. */
    condition: p.text().primary(),
    sequence: p.integer(),
    peer: p.text(),
    prepare: p.blob(),
    sourceAmount: amount(),
    amount: amount(),
    state: p.enum(['prepared', 'fulfilled', 'rejected'] as const),
    preparedAt: instant(),
  },
});

/** Packet journal, receiver's side: the answer to each packet that was booked; a repeated Prepare is answered from here. */
export const IncomingPacket = defineEntity({
  name: 'IncomingPacket',
  tableName: 'incoming_packet',
  properties: {
    ase: ase(),
    peer: p.text().primary(),
    condition: p.text().primary(),
    incomingPaymentId: p.text(),
    amount: amount(),
    reply: p.blob(),
    bookedAt: instant(),
  },
});

/** What became of a payment, to be told the operator's own system: once it is stored, it is told (EVT-01…06). */
export const WebhookEvent = defineEntity({
  name: 'WebhookEvent',
  tableName: 'webhook_event',
  properties: {
    ase: ase(),
    /** Id of the payment. */
    subject: p.text().primary(),
    /** Order among the events of the payment. */
    sequence: p.integer().primary(),
    id: p.text(),
    type: p.text(),
    /** The whole event, in canonical JSON. */
    body: p.text(),
    state: p.enum(['pending', 'delivered', 'undelivered'] as const),
    attempts: p.integer(),
    createdAt: instant(),
    /** Business time of the next attempt. */
    dueAt: instant(),
    failure: p.text().nullable(),
    lease: p.text().nullable(),
    /** Wall time. */
    leaseUntil: instant().nullable(),
  },
  uniques: [{ properties: ['ase', 'id'] }],
  indexes: [{ properties: ['ase', 'state', 'createdAt'] }],
});

/** What an operator did to an ASE, and when; append-only like the ledger. */
export const AdministrativeAction = defineEntity({
  name: 'AdministrativeAction',
  tableName: 'administrative_action',
  properties: {
    ase: ase(),
    id: id(),
    /** Wall time. */
    at: instant(),
    operation: p.text(),
    status: p.smallint(),
    /** What was asked for, without secrets. */
    detail: p.json<Record<string, unknown>>(),
  },
  indexes: [{ properties: ['ase', 'at', 'id'] }],
});

/** Parents before children. */
export const entities = [
  World,
  Ase,
  Peer,
  Fee,
  Price,
  Account,
  LedgerTransfer,
  LedgerEntry,
  WalletAddress,
  WalletAddressKey,
  Grant,
  AccessToken,
  SignatureNonce,
  IncomingPayment,
  Quote,
  OutgoingPaymentGrant,
  GrantSpending,
  OutgoingPayment,
  OutgoingPacket,
  IncomingPacket,
  WebhookEvent,
  AdministrativeAction,
] as const;
