/** Mutants of how receivers at other ASEs are read and judged (Open Payments resource-server /quotes, /outgoing-payments). */
import type { Mutant } from './mutant.ts';

const readJson = 'src/net/read-json.ts';
const receiver = 'src/resource/receiver.ts';
const outgoing = 'src/resource/outgoing-payment.ts';

export const foreignReceiverMutants: readonly Mutant[] = [
  {
    id: 'foreign-receiver.none-can-be-reached',
    file: receiver,
    at: 'const peer = «isLocal || !ilp ? undefined : deps.nextHop(ilp.address, receiver.asset)»;',
    by: 'undefined',
    fails: ['foreign-receiver.paid'],
  },
  {
    id: 'foreign-receiver.all-can-be-reached',
    file: receiver,
    at: 'if («!isLocal && !peer») throw',
    by: 'false',
    fails: ['foreign-receiver.without-route', 'foreign-receiver.changed-without-route'],
  },
  {
    id: 'foreign-receiver.any-authorization-server',
    file: receiver,
    at: 'if («withoutLastSlashes(named) !== withoutLastSlashes(authServer)») throw',
    by: 'false',
    fails: ['foreign-receiver.auth-server-of-another'],
  },
  {
    id: 'foreign-receiver.wallet-address-unread',
    file: receiver,
    at: 'if («walletAddresses.has(url)») return;',
    by: 'true',
    fails: ['foreign-receiver.wallet-address-missing', 'foreign-receiver.auth-server-of-another'],
  },
  {
    id: 'foreign-receiver.token-for-any-resource-server',
    file: receiver,
    at: 'const key = «JSON.stringify(issuer)»;',
    by: 'issuer.authServer',
    test: 'test/resource/receiver.test.ts',
  },
  {
    id: 'foreign-receiver.public-leads-to-private',
    file: receiver,
    at: 'publicOnly: «view.isPublic» };',
    by: 'false',
    test: 'test/resource/receiver.test.ts',
  },
  {
    id: 'foreign-receiver.closed-is-open',
    file: receiver,
    at: 'if («payment.completed || !ilp») throw',
    by: '!ilp',
    also: [{ file: receiver, at: 'if («receiver.completed» ||', by: 'false' }],
    fails: ['foreign-receiver.closed', 'foreign-receiver.changed-closed'],
  },
  {
    id: 'foreign-receiver.method-of-any-kind',
    file: receiver,
    at: 'if (payment.completed || «!ilp») throw',
    by: 'false',
    fails: ['foreign-receiver.without-methods', 'foreign-receiver.changed-without-methods'],
  },
  {
    id: 'foreign-receiver.never-expires',
    file: receiver,
    at: 'if («expiresAt !== undefined && expiresAt <= deps.clock.businessNow()») throw',
    by: 'false',
    fails: ['foreign-receiver.expired', 'foreign-receiver.changed-expired'],
  },
  {
    id: 'foreign-receiver.never-full',
    file: receiver,
    at: '(«remaining !== undefined && remaining <= 0n»)',
    by: 'false',
    fails: ['foreign-receiver.full', 'foreign-receiver.over-full'],
  },
  {
    id: 'foreign-receiver.assets-mixed',
    file: receiver,
    at: 'if («incoming && !sameAsset(incoming.asset, received.asset)») throw',
    by: 'false',
    fails: ['foreign-receiver.two-assets'],
  },
  {
    id: 'foreign-receiver.documents-believed',
    file: readJson,
    at: 'if («!isValid(value)») throw',
    by: 'false',
    fails: ['foreign-receiver.negative', 'foreign-receiver.beyond-64-bits', 'foreign-receiver.without-secret'],
  },
  {
    id: 'foreign-receiver.invalid-documents-are-failures',
    file: readJson,
    at: "throw «problem('the answer does not match the document')»;",
    by: 'new Error()',
    fails: [
      'foreign-receiver.auth-server-no-url',
      'foreign-receiver.auth-server-elsewhere',
      'foreign-receiver.without-ilp',
    ],
  },
  {
    id: 'foreign-receiver.refusals-are-failures',
    file: readJson,
    at: 'if (status !== 200) throw «problem(`status ${status}`)»;',
    by: 'new Error()',
    fails: ['foreign-receiver.gone', 'foreign-receiver.changed-gone'],
  },
  {
    id: 'foreign-receiver.redirects-are-failures',
    file: receiver,
    at: 'throw mayHelp ? unreachable(error.message, error) : «invalid(error.message, error)»;',
    by: 'new Error()',
    fails: ['foreign-receiver.redirect'],
  },
  {
    id: 'foreign-receiver.pages-are-failures',
    file: readJson,
    at: "throw «problem('the answer is not JSON')»;",
    by: 'new Error()',
    fails: ['foreign-receiver.page'],
  },
  {
    id: 'foreign-receiver.failures-are-ours',
    file: receiver,
    at: 'throw «unreachable(`the other ASE answers ${response.status}`)»;',
    by: 'new Error()',
    fails: ['foreign-receiver.failing'],
  },
  {
    id: 'foreign-receiver.asset-may-change',
    file: outgoing,
    at: '«!sameAsset(receive.asset, receiver.asset)»)',
    by: 'false',
    fails: ['foreign-receiver.changed-asset'],
  },
  {
    id: 'foreign-receiver.room-may-shrink',
    file: outgoing,
    at: 'const fits = «receiver.remaining === undefined || receive.value <= receiver.remaining»;',
    by: 'true',
    fails: ['foreign-receiver.changed-less-awaited', 'foreign-receiver.changed-smaller'],
  },
];
