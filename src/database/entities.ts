/**
 * The rows of an ASE. Every key starts with the ASE (`ase`), so that many ASEs and worlds share one database and none
 * can reach another's rows; `test/database/keys.test.ts` checks it.
 *
 * Rows are read and written through Kysely, whose types come from here: amounts (`numeric`) and instants
 * (`timestamptz`) are strings in a row and become bigint and milliseconds at the edge (`columns.ts`).
 */
import { defineEntity, p } from '@mikro-orm/core';
import type { ClientJwk } from '../open-payments/client.ts';
import { amount, ase, assetCode, assetScale, id, instant } from './entity-columns.ts';
import {
  AccessToken,
  Grant,
  GrantSpending,
  OutgoingPaymentGrant,
  SignatureNonce,
  SignInAttempt,
  SignInSession,
} from './grant-entities.ts';
import {
  IdempotencyKey,
  IncomingPacket,
  IncomingPayment,
  OutgoingPacket,
  OutgoingPayment,
  Quote,
  WebhookEvent,
} from './payment-entities.ts';

/** State shared by the processes of a world: the business clock and the consent policy. */
const World = defineEntity({
  name: 'World',
  tableName: 'world',
  properties: {
    id: p.text().primary(),
    clock: p.json<{ mode: 'live' | 'frozen'; offset: number; at: number }>(),
    consent: p.enum(['auto', 'deny', 'manual'] as const),
    /** Wall time; null for the main world, which outlives its processes. */
    aliveUntil: instant().nullable(),
  },
});

/** An ASE and its secrets, from which all its credentials and keys derive. */
const Ase = defineEntity({
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
const Peer = defineEntity({
  name: 'Peer',
  tableName: 'peer',
  properties: {
    ase: ase(),
    name: p.text().primary(),
    /** ILP address prefix of its wallet addresses. */
    prefix: p.text(),
    /** Further prefixes that it forwards packets to. */
    routes: p.json<readonly string[]>().columnType('jsonb').default('[]'),
    /** Origin of its connector. */
    endpoint: p.text(),
    incomingTokenDigest: p.text(),
    outgoingToken: p.text(),
    maxPacketAmount: amount(),
    /** The most that it may owe in each asset; null for no limit. */
    balanceLimit: amount().nullable(),
    /** True if it answers a repeated packet as before, without delivering it again (ILP-18). */
    answersRepeats: p.boolean().default(true),
  },
  uniques: [{ properties: ['ase', 'prefix'] }, { properties: ['ase', 'incomingTokenDigest'] }],
});

/** The fee for sending in an asset (SET-05). */
const Fee = defineEntity({
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

/** The price of one whole unit of a currency, as a decimal in a currency common to all (SET-10). */
const Price = defineEntity({
  name: 'Price',
  tableName: 'price',
  properties: { ase: ase(), currency: p.text().primary(), price: p.text() },
});

const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: {
    ase: ase(),
    id: id(),
    kind: p.enum(['customer', 'deposit', 'hold', 'fee', 'exchange', 'peer'] as const),
    assetCode: assetCode(),
    assetScale: assetScale(),
    /**
     * Kept for customers, never below zero, and by a trigger for peers whose limit has been asked for; null for other
     * accounts, which are summed, so that no row of theirs is hot.
     */
    balance: p.decimal().precision(39).scale(0).$type<string>().nullable(),
    /** scrypt digest of the passphrase that a customer signs in with. */
    passphraseDigest: p.text().nullable(),
  },
});

const LedgerTransfer = defineEntity({
  name: 'LedgerTransfer',
  tableName: 'ledger_transfer',
  properties: {
    ase: ase(),
    /** Derived from the cause (a payment, a packet), so that booking a cause twice is harmless. */
    id: id(),
    createdAt: instant(),
    /** The transfer that this one reverses, and the reason; null for any other transfer. */
    reverses: p.text().nullable(),
    reason: p.text().nullable(),
  },
  indexes: [{ properties: ['ase', 'createdAt', 'id'] }],
});

const LedgerEntry = defineEntity({
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

const WalletAddress = defineEntity({
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

const WalletAddressKey = defineEntity({
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

/** Audit log of administrative changes to an ASE; append-only like the ledger. */
const AdministrativeAction = defineEntity({
  name: 'AdministrativeAction',
  tableName: 'administrative_action',
  properties: {
    ase: ase(),
    id: id(),
    /** Wall time. */
    at: instant(),
    operation: p.text(),
    status: p.smallint(),
    /** The request, without secrets. */
    detail: p.json<Record<string, unknown>>(),
  },
  indexes: [{ properties: ['ase', 'at', 'id'] }],
});

/** A counter of `rate-limiter-flexible`, which defines these columns. The key begins with a limit, then names the ASE. */
const RateLimit = defineEntity({
  name: 'RateLimit',
  tableName: 'rate_limit',
  properties: {
    key: p.string().length(255).primary(),
    points: p.integer().default(0),
    /** Milliseconds since the epoch. */
    expire: p.bigint('string').nullable(),
  },
  indexes: [{ properties: ['expire'] }],
});

/** Parents before children. */
export const entities = [
  World,
  RateLimit,
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
  SignInSession,
  SignInAttempt,
  IncomingPayment,
  Quote,
  OutgoingPaymentGrant,
  GrantSpending,
  OutgoingPayment,
  OutgoingPacket,
  IncomingPacket,
  WebhookEvent,
  IdempotencyKey,
  AdministrativeAction,
] as const;
