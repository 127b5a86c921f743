/** Payments and quotes, the packets that deliver them, and their webhook events. */
import { defineEntity, p } from '@mikro-orm/core';
import { amount, ase, assetCode, assetScale, id, instant } from './entity-columns.ts';

/** Room in an incoming payment for what a payer has yet to send. */
export interface Reservation {
  /** Identifies the payer's connection. */
  readonly connection: string;
  /** Minor units, in decimal. */
  readonly amount: string;
  /** Wall time in milliseconds. */
  readonly until: number;
}

export const IncomingPayment = defineEntity({
  name: 'IncomingPayment',
  tableName: 'incoming_payment',
  properties: {
    ase: ase(),
    id: id(),
    walletAddressId: p.text(),
    /** The account that is credited, even if the wallet address moves to another one. */
    accountId: p.text(),
    clientId: p.text(),
    /** The grant under which it was created; null if it was created without a token. */
    grantId: p.text().nullable(),
    assetCode: assetCode(),
    assetScale: assetScale(),
    incomingAmount: amount().nullable(),
    receivedAmount: amount(),
    completed: p.boolean(),
    /** Room that payments which have begun to pay it still need (OPI-098). */
    reservations: p.json<readonly Reservation[]>().columnType('jsonb').default('[]'),
    expiresAt: instant(),
    /** True while it has received something, is not completed, and its expiry has not become an event (EVT-04). */
    partlyPaid: p.boolean().default(false),
    /** True once its expiry became an event. */
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
    /** The account that would pay. */
    accountId: p.text(),
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

/** An outgoing payment, which is also the job of the worker that sends it. */
export const OutgoingPayment = defineEntity({
  name: 'OutgoingPayment',
  tableName: 'outgoing_payment',
  properties: {
    ase: ase(),
    id: id(),
    quoteId: p.text(),
    walletAddressId: p.text(),
    /** The account that pays and gets refunds, even if the wallet address moves to another one. */
    accountId: p.text(),
    clientId: p.text(),
    grantId: p.text(),
    /** Row of `grant_spending` this payment counts in (LIM-N01). */
    spendingId: p.text(),
    state: p.enum(['pending', 'completed', 'failed'] as const),
    failure: p.text().nullable(),
    /** The last attempt that did not succeed, with the detail that the log has; kept when the payment ends. */
    lastError: p.text().nullable(),
    /** True once the debit was booked to the hold account. */
    funded: p.boolean(),
    sentAmount: amount(),
    deliveredAmount: amount(),
    metadata: p.json<Record<string, unknown>>().columnType('json').nullable(),
    createdAt: instant(),
    /** Wall time of its creation, from which an operator counts its age. */
    acceptedAt: instant().defaultRaw('now()'),
    attempts: p.integer(),
    nextAttemptAt: instant().nullable(),
    leaseOwner: p.text().nullable(),
    /** Name of the next hop, whose slots it takes; null for a receiver of this ASE. */
    peer: p.text().nullable(),
  },
  uniques: [{ properties: ['ase', 'quoteId'] }],
  indexes: [
    { properties: ['ase', 'walletAddressId', 'createdAt', 'id'] },
    { properties: ['ase', 'walletAddressId', 'clientId', 'createdAt', 'id'] },
    { properties: ['ase', 'grantId', 'createdAt', 'id'] },
    { properties: ['ase', 'state', 'acceptedAt', 'id'] },
  ],
});

/** Packet journal of the sender: a Prepare is stored before it is sent, and replayed until its answer is booked. */
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

/** Packet journal of the receiver: the answer to each packet that brought money. A copy gets the same answer. */
export const IncomingPacket = defineEntity({
  name: 'IncomingPacket',
  tableName: 'incoming_packet',
  properties: {
    ase: ase(),
    condition: p.text().primary(),
    peer: p.text(),
    incomingPaymentId: p.text(),
    amount: amount(),
    reply: p.blob(),
    bookedAt: instant(),
    /** Expiry of the packet; null if the answer was stored before migration 0013. */
    expiresAt: instant().nullable(),
  },
});

/** Transactional outbox of webhook events (EVT-01). */
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

/** Answers to requests with an idempotency key (OPI-071). */
export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    ase: ase(),
    clientId: p.text().primary(),
    operation: p.text().primary(),
    key: p.text().primary(),
    requestDigest: p.text(),
    reply: p.json<{ status: number; body: unknown }>().columnType('json'),
    /** Wall time. */
    expiresAt: instant(),
  },
  indexes: [{ properties: ['ase', 'expiresAt'] }],
});
