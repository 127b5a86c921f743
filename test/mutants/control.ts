/** Mutants of the control API, administration, introspection, faults and the request trace. */
import type { Mutant } from './mutant.ts';
import { withoutSchema } from './pipeline.ts';

const introspection = 'src/auth/introspection.ts';
const trace = 'src/http/request-trace.ts';
const catalogueTest = 'test/control/catalogue.test.ts';

export const controlMutants: readonly Mutant[] = [
  // ── Introspection ──
  {
    id: 'introspection.all-items',
    file: introspection,
    at: 'caller.access.filter((granted) => «body.access?.some((requested) => covers(granted, requested))»);',
    by: 'true',
    fails: ['introspection.active', 'introspection.matching'],
  },
  {
    id: 'introspection.inactive-tells-why',
    file: introspection,
    at: 'if (!caller) return { status: 200, body: «{ active: false }» };',
    by: "{ active: false, ...(body.access_token.length > 0 && { grant: 'none' }) }",
    fails: ['introspection.inactive', 'introspection.expiry'],
  },
  {
    id: 'introspection.any-secret',
    file: introspection,
    at: 'if («!equalSecrets(secret, deps.secret)») throw',
    by: 'secret === undefined',
    fails: ['introspection.refusals', 'target.private-port'],
  },
  {
    id: 'introspection.grant-of-its-own',
    file: introspection,
    at: 'grant: «caller.grantId»,',
    by: 'body.access_token.slice(0, 8)',
    fails: ['introspection.grant-and-caching'],
  },
  {
    id: 'back-channel.rejection-approves',
    file: 'src/auth/interaction.ts',
    at: "if (choice === 'reject') return transitionGrant(grant, «'reject'»);",
    by: "'approve'",
    fails: ['back-channel.decisions'],
  },
  {
    id: 'back-channel.any-secret',
    file: 'src/identity-provider/server.ts',
    at: 'if («!equalSecrets(secret, deps.secret)») throw',
    by: 'secret === undefined',
    fails: ['back-channel.secret'],
  },

  // ── Administration ──
  {
    id: 'administration.disabled-still-takes-payments',
    file: 'src/resource/wallet-address.ts',
    at: ".where('wallet.active', '=', «true»)",
    by: "db.dynamic.ref('wallet.active')",
    fails: ['administration.disabled'],
  },
  {
    id: 'administration.kid-twice',
    file: 'src/administration/keys.ts',
    at: 'if («numInsertedOrUpdatedRows === 0n») throw',
    by: 'false',
    fails: ['administration.keys'],
  },
  {
    id: 'administration.endpoint-as-wallet-address',
    file: 'src/wallet-address/new-wallet-address.ts',
    at: 'const reserved = segments.find((segment) => «reservedSegments.has(segment)»);',
    by: "segment === 'auth'",
    fails: ['administration.wallet-address-form'],
  },
  {
    id: 'administration.asset-changes',
    file: 'src/administration/wallet-addresses.ts',
    at: 'if («!sameAsset(asset, current.asset) && (await hasPayments(tx, ase, id))») {',
    by: 'false',
    fails: ['administration.asset'],
  },
  {
    id: 'administration.any-fee',
    file: 'src/payments/fees.ts',
    at: 'if («!Number.isInteger(fee.basisPoints) || fee.basisPoints < 0 || fee.basisPoints >= 10_000») {',
    by: 'false',
    also: [withoutSchema],
    fails: ['administration.fees-and-prices'],
  },

  // ── Bookkeeping ──
  {
    id: 'bookkeeping.reversal-again-and-again',
    file: 'src/administration/transfers.ts',
    at: 'const id = «`reversal:${transfer}`»;',
    by: '`reversal:${transfer}:${Math.random()}`',
    fails: ['bookkeeping.reversals'],
  },
  {
    id: 'bookkeeping.payment-half-reversed',
    file: 'src/administration/transfers.ts',
    at: 'return [...stages, ...«packets.map(({ condition }) => `packet:${condition}:out`)»];',
    by: '[]',
    fails: ['bookkeeping.reversals'],
  },
  {
    id: 'bookkeeping.any-fulfillment',
    file: 'src/payments/outgoing/resolve-packet.ts',
    at: "if («fate.kind === 'fulfilled' && conditionFor(fate.fulfillment).toString('base64url') !== condition») {",
    by: 'false',
    fails: ['bookkeeping.in-doubt'],
  },
  {
    id: 'bookkeeping.rejected-before-expiry',
    file: 'src/payments/outgoing/resolve-packet.ts',
    at: "if («fate.kind === 'rejected' && wallNow < expiryOf(found.packet.prepare)») {",
    by: 'false',
    fails: ['bookkeeping.in-doubt'],
  },
  {
    id: 'bookkeeping.looks-before-it-waits',
    file: 'src/payments/outgoing/resolve-packet.ts',
    at: 'const current = «await findPacket(tx, ase, paymentId, condition)»;',
    by: 'found',
    also: [
      {
        file: 'src/payments/ilp/packet-journal.ts',
        at: 'if («resolved !== packets.length») throw',
        by: 'false',
      },
      {
        file: 'src/payments/outgoing/transfers.ts',
        at: "if («!booked») throw new Error('the transfer of a packet",
        by: 'false',
      },
    ],
  },
  {
    id: 'bookkeeping.lease-left',
    file: 'src/payments/outgoing/job-progress.ts',
    at: 'if («advanced !== steps.length») throw',
    by: 'false',
    also: [
      {
        file: 'src/payments/ilp/packet-journal.ts',
        at: 'if («resolved !== packets.length») throw',
        by: 'false',
      },
    ],
  },
  {
    id: 'cancellation.packet-under-way',
    file: 'src/payments/outgoing/cancel.ts',
    at: 'if («(await readUnresolvedPackets(tx, ase, paymentId)).length > 0») {',
    by: 'false',
  },
  {
    id: 'bookkeeping.booked-packet-denied',
    file: 'src/administration/peer-statement.ts',
    at: "if («!row || !reply || !isFulfill(reply)») throw adminProblem('not_found', 'the packet is not booked');",
    by: 'true',
    fails: ['bookkeeping.peer-statement'],
  },
  {
    id: 'bookkeeping.grant-of-nobody',
    file: 'src/administration/grant-payments.ts',
    at: '«selectOutgoing(db, ase, storable).$call(page).execute()»,',
    by: '[]',
    fails: ['bookkeeping.who-did-what'],
  },
  {
    id: 'bookkeeping.secrets-recorded',
    file: 'src/administration/audit-log.ts',
    at: '.filter(([name, value]) => «loggedMembers.has(name) && value !== undefined»);',
    by: 'value !== undefined',
    fails: ['bookkeeping.who-did-what'],
  },

  // ── Target ──
  {
    id: 'target.profile-is-always-compat',
    file: 'src/world/runtime.ts',
    at: 'const switches = selectProfile(«profile», definition.switches);',
    by: "'compat'",
    fails: ['target.profiles'],
  },
  {
    id: 'target.without-yen',
    file: 'src/world/definition/definition.ts',
    at: "const jpy: Asset = { code: «'JPY'», scale: 0 };",
    by: "'EUR'",
    from: 'loading',
    fails: ['target.assets'],
  },
  {
    id: 'private.ledger-on-the-public-port',
    file: 'src/wallet-address/handlers.ts',
    at: 'const row = await expectRow(«parseWalletAddressTarget(exchange.rawTarget).path», readPublicly(selectWalletAddress));',
    by: "exchange.rawTarget === '/ledger' ? '/alice' : parseWalletAddressTarget(exchange.rawTarget).path",
    fails: ['private.not-on-protocol-port'],
  },
  {
    id: 'target.one-clock-for-all-worlds',
    file: 'src/world/runtime.ts',
    at: 'const clock = «new WorldClock()»;',
    by: '(globalThis.touchstoneClock ??= new WorldClock())',
    fails: ['target.worlds'],
  },

  // ── Faults and exchanges ──
  {
    id: 'faults.first-call-is-struck',
    file: 'src/faults.ts',
    at: 'if («entry.calls >= fault.nth» && entry.calls < fault.nth + fault.times) struck ??= fault;',
    by: 'true',
    fails: ['faults.answers', 'faults.payments'],
  },
  {
    id: 'exchanges.without-signature-base',
    file: trace,
    at: '...(«signatureBase !== undefined» && { signatureBase:',
    by: 'false',
    fails: ['exchanges.refusals'],
  },
  {
    id: 'exchanges.nonce-shown',
    file: 'src/http/redact.ts',
    at: "if (name === '@signature-params') return «redactNonce(line)»;",
    by: 'line',
    fails: ['exchanges.secrets'],
  },
  {
    id: 'faults.status-ignored',
    file: 'src/http/inject-fault.ts',
    at: 'return answerWithError(fault, «fault.status ?? 500», render);',
    by: '500',
    fails: ['faults.veto'],
  },
  {
    id: 'catalogue.no-challenge',
    file: 'src/http/inject-fault.ts',
    at: '...(«status === 401» &&',
    by: 'status === 407',
    test: catalogueTest,
    title: 'list-incoming-payments-401',
  },
  {
    id: 'catalogue.first-code-only',
    file: 'src/http/negative-replies.ts',
    at: 'findNegativeReply = (name: string): NegativeReply | undefined => «byName.get(name)»;',
    by: 'negativeReplies.find((each) => name.startsWith(`${each.operation}-${each.status}`))',
    test: catalogueTest,
    title: '401-invalid_signature comes',
  },
  {
    id: 'catalogue.address-strikes-again',
    file: 'src/world/traps.ts',
    at: 'return «faults.list().some(isPending)» || isAdded(faults, fault);',
    by: 'false',
    test: catalogueTest,
    title: 'create-quote-403',
  },
];
