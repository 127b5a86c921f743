/** Mutants of sending payments: holds, packets, credits, ends (ILP-0029; SET-01…13, RS-IP-23…36, RS-OP-16…32). */
import { type Mutant, noticedBy } from './mutant.ts';

export const sendingMutants: readonly Mutant[] = [
  {
    id: 'settlement.incoming-payment-never-completes',
    file: 'src/payments/incoming/credit.ts',
    at: 'completed: «received === payment.incomingAmount»,',
    by: 'false',
    fails: ['settlement.main-path', 'settlement.remaining', 'settlement.same-ase'],
  },
  {
    id: 'settlement.open-payment-completes',
    file: 'src/payments/incoming/credit.ts',
    at: 'completed: «received === payment.incomingAmount»,',
    by: 'true',
    fails: ['settlement.fixed-send', 'settlement.remaining'],
  },
  {
    id: 'settlement.part-is-rounded-down',
    file: 'src/payments/outgoing/transfers.ts',
    at: '«ceilDivide(total * delivered, job.receive.value)»;',
    by: '(total * delivered) / job.receive.value',
    fails: ['interledger.sender-stops', 'outgoing-payment.partly-delivered'],
  },
  {
    id: 'settlement.failure-costs-no-fee',
    file: 'src/payments/outgoing/transfers.ts',
    at: 'const feeCharged = (job: Job, delivered: bigint): bigint => «shareOf(job.fee, delivered, job)»;',
    by: 'delivered === job.receive.value ? job.fee : 0n',
    fails: ['outgoing-payment.partly-delivered'],
  },
  // ── Found by tests of the worker ──
  {
    id: 'settlement.unsent-packet-in-doubt',
    title: 'fails when its peer is removed',
    file: 'src/payments/outgoing/send-packets.ts',
    at: "if (!peer) return { kind: «attempt === 'first' ? 'unsent' : 'unknown'» };",
    by: "'unknown'",
    test: 'test/payments/outgoing/send.test.ts',
  },
  {
    id: 'settlement.sent-packet-refunded',
    title: 'leaves a packet in doubt',
    file: 'src/payments/outgoing/send-packets.ts',
    at: "if (!peer) return { kind: «attempt === 'first' ? 'unsent' : 'unknown'» };",
    by: "'unsent'",
    test: 'test/payments/outgoing/send.test.ts',
  },
  ...noticedBy('test/payments/outgoing/in-flight.test.ts', 'src/payments/outgoing/send-packets.ts', [
    {
      id: 'in-flight.one-packet-at-a-time',
      title: 'has twenty in flight at once',
      at: 'return «inFlight < maxInFlight» &&',
      by: 'false',
    },
    {
      id: 'in-flight.without-bound',
      title: 'has twenty in flight at once',
      at: 'return «inFlight < maxInFlight» &&',
      by: 'true',
    },
    {
      id: 'in-flight.peer-without-bound',
      title: 'as their peer is sent at once',
      at: '«traffic.inFlightTo(peer.name) < maxInFlightToPeer» &&',
      by: 'true',
    },
    {
      id: 'in-flight.waits-for-other-payments',
      title: 'as their peer is sent at once',
      at: 'if («inFlight === 0») return true;',
      by: 'false',
    },
    {
      id: 'in-flight.faults-in-any-order',
      title: 'keeps to one where the link asks for it',
      at: '&& «!peer.link.isOneByOne?.()»;',
      by: 'true',
    },
    {
      id: 'in-flight.amount-sent-twice',
      title: 'has twenty in flight at once',
      at: 'job.receive.value - job.deliveredAmount - «turn.amountInFlight»;',
      by: '0n',
    },
    {
      id: 'in-flight.rejected-amount-not-sent-again',
      title: 'sends the next alone after a packet that was too large',
      at: 'turn.amountInFlight -= «amount»;',
      by: "(answer.kind === 'rejected' ? 0n : amount)",
    },
    {
      id: 'in-flight.first-not-alone',
      title: 'sends the first alone',
      at: '«(inFlight === 0 || turn.isOpen)» &&',
      by: 'true',
    },
    {
      id: 'in-flight.halved-for-each-answer',
      title: 'sends the next alone after a packet that was too large',
      at: 'if («amount > largestAmount») return',
      by: 'false',
    },
    {
      id: 'in-flight.refund-in-doubt',
      title: 'fails only when that one is known',
      at: "= «['handed-back', 'retry', 'failed', 'in-doubt', 'completed']»;",
      by: "['handed-back', 'retry', 'in-doubt', 'failed', 'completed']",
    },
    {
      id: 'in-flight.copies-one-at-a-time',
      title: 'their copies are in flight together',
      at: 'return «peer ? hasRoom(context, peer, inFlight) : inFlight === 0»;',
      by: 'inFlight === 0',
    },
  ]),
  ...noticedBy('test/payments/outgoing/in-flight.test.ts', 'src/payments/outgoing/in-flight.ts', [
    {
      id: 'in-flight.next-only-after-all',
      title: 'as soon as one is answered',
      at: 'await «Promise.race(inFlight)»;',
      by: 'Promise.all(inFlight)',
    },
  ]),
  ...noticedBy('test/payments/outgoing/in-flight.test.ts', 'src/payments/outgoing/transfers.ts', [
    {
      id: 'in-flight.paid-as-expected-before',
      title: 'and they are paid',
      at: 'const sentAmount = «sourceAmountFor(job, deliveredAmount)»;',
      by: 'job.sentAmount + packet.sourceAmount',
    },
  ]),
  ...noticedBy('test/payments/outgoing/send-together.test.ts', 'src/payments/outgoing/job.ts', [
    {
      id: 'in-flight.lease-not-proven',
      title: 'lost its lease',
      at: "if («updated !== 1») throw new LeaseLost('lease lost');",
      by: 'false',
    },
  ]),
  ...noticedBy('test/payments/outgoing/in-doubt.test.ts', 'src/payments/outgoing/send-packets.ts', [
    {
      id: 'in-flight.each-claims-the-rest',
      title: 'the n-th packet request lost',
      at: '...(«!isOpen» && { total',
      by: 'true',
    },
  ]),
  {
    // One peer's payments take the slots of all others.
    id: 'money.slow-peer-stops-all',
    title: 'that is silent',
    file: 'src/payments/outgoing/worker.ts',
    at: '(job === TOGETHER ? LOCAL : «(job.peer ?? LOCAL)»),',
    by: 'LOCAL',
    test: 'test/payments/outgoing/slots.test.ts',
  },
  {
    id: 'settlement.slot-kept-until-the-end',
    title: 'gives its slot back after some packets',
    file: 'src/payments/outgoing/send-packets.ts',
    at: 'return «sent > 0 && (sent >= maxPacketsPerTurn || clock.wallNow() - turn.startedAt >= maxTurnMs)»;',
    by: 'false',
    test: 'test/payments/outgoing/slots.test.ts',
  },
  {
    id: 'settlement.event-loop-kept',
    file: 'src/database/embedded-stream.ts',
    at: '«await turnEventLoop()»;',
    by: 'undefined',
    test: 'test/payments/outgoing/event-loop.test.ts',
  },
  {
    // Payments complete on the embedded database although their payers have too little.
    id: 'settlement.statements-after-a-rollback',
    file: 'src/database/guarded-dialect.ts',
    at: 'if («this.isOver») throw',
    by: 'false',
    test: 'test/database/database.test.ts',
    title: 'nothing is done after',
  },
  {
    id: 'event-loop.kept-by-statements-together',
    file: 'src/database/embedded-stream.ts',
    at: 'for (const statement of «groupByStatement(messages)») {',
    by: '[Buffer.concat(messages)]',
    test: 'test/database/database.test.ts',
    title: 'of whichever request',
  },
  {
    // The statement after one that failed gets its answer.
    id: 'settlement.answers-mixed-up',
    file: 'src/database/embedded-stream.ts',
    at: 'return «isRepeated ? answer.subarray(0, last) : answer»;',
    by: 'answer',
    test: 'test/database/database.test.ts',
    title: 'its own answer',
  },
  {
    id: 'event-loop.passphrases-digested-on-it',
    file: 'src/crypto/passphrase-digest.ts',
    at: "scrypt(«passphrase.normalize('NFC')», salt, LENGTH, cost, (error, key) => (error ? reject(error) : resolve(key)));",
    by: 'process.getBuiltinModule("node:crypto").scryptSync(passphrase, salt, LENGTH, cost).toString()',
    test: 'test/end-to-end/event-loop.test.ts',
    title: 'guessed',
  },
  {
    id: 'event-loop.numbers-judged-in-quadratic-time',
    file: 'src/resource/metadata.ts',
    at: '«written.length <= MAX_NUMBER_LENGTH && canonicalNumber(written) === canonicalNumber(String(value))»;',
    by: '/0+$/.exec(written) === null && canonicalNumber(written) === canonicalNumber(String(value))',
    test: 'test/end-to-end/event-loop.test.ts',
    title: 'digits',
  },
  ...noticedBy('test/payments/outgoing/pay-together.test.ts', 'src/payments/outgoing/pay-together.ts', [
    {
      id: 'together.each-as-if-alone',
      title: 'beyond the cap',
      at: '«receivers.set(receiver.id, credited)»;',
      by: 'undefined',
    },
    {
      id: 'together.only-the-first-round',
      title: 'more payments than one',
      at: 'if («due < MAX_TOGETHER») return false;',
      by: 'true',
    },
  ]),
  {
    id: 'together.one-spoils-the-others',
    file: 'src/database/shared-transactions.ts',
    at: 'await «together(items).catch(() => undefined)»',
    by: 'together(items)',
    test: 'test/database/shared-transactions.test.ts',
    title: 'if a part of it fails',
  },
  {
    id: 'together.lease-not-proven',
    file: 'src/payments/outgoing/job.ts',
    at: 'if («advanced !== steps.length») throw',
    by: 'false',
    test: 'test/payments/outgoing/send-together.test.ts',
    title: 'lost its lease',
  },
  {
    id: 'settlement.receiver-known-for-ever',
    file: 'src/payments/receiver.ts',
    at: 'return known && «clock.wallNow() < known.until» ?',
    by: 'true',
    test: 'test/payments/outgoing/send.test.ts',
    title: 'read a moment ago',
  },
  // ── Found by `make chaos` ──
  {
    // The receiver answers before it books.
    id: 'settlement.books-after-it-fulfils',
    file: 'src/payments/ilp/stream-receiver.ts',
    at: 'const { answer, isCredited } = «await book()»;',
    by: 'setTimeout(() => void book().catch(() => {}), 30) && { answer: creditable.fulfill, isCredited: true }',
  },
  {
    // The sender retries without resolving its last packet.
    id: 'settlement.unresolved-packet-forgotten',
    file: 'src/payments/outgoing/send.ts',
    at: 'const doubt = «isFirstAttempt ? undefined : await replayPacketsInDoubt(context, job)»;',
    by: 'undefined',
  },
  {
    // The sender fails a payment at once, even with a packet in flight.
    id: 'settlement.refund-in-doubt',
    file: 'src/payments/outgoing/worker.ts',
    at: 'if («attempts >= maxAttempts && (await readUnresolvedPackets(db.query, ase, job.id)).length === 0») {',
    by: 'true',
  },
];
