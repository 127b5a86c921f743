/** Payments, quotes, the packets that settle them and the events that tell of them. */
import { defineEntity, p } from '@mikro-orm/core';
import { amount, ase, assetCode, assetScale, id, instant } from './entity-columns.ts';

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
