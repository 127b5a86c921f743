/**
 * Mutants of what operators rely on: reasons of failures, lists of payments, metrics, cancellation and readiness. No
 * client can see these, so unit tests have to fail.
 */
import { type Mutant, noticedBy } from './mutant.ts';

const paymentsTest = 'test/administration/outgoing-payments.test.ts';
const competingTest = 'test/payments/outgoing/competing.test.ts';

export const operationsMutants: readonly Mutant[] = [
  ...noticedBy(paymentsTest, 'src/payments/outgoing/worker.ts', [
    {
      id: 'operations.failure-without-reason',
      title: 'says what the last attempt',
      at: '«describeReason({ reason, detail })»;',
      by: 'undefined',
    },
    {
      id: 'operations.attempts-end-early',
      title: 'end after the time',
      at: 'Math.min(200 * «2 ** attempts», 60_000);',
      by: '(attempts + 1)',
    },
  ]),
  ...noticedBy(paymentsTest, 'src/administration/outgoing-payments.ts', [
    {
      id: 'operations.age-ignored',
      title: 'pending payments oldest first',
      at: '.$if(«olderThan !== undefined», (query) =>',
      by: 'false',
    },
    {
      id: 'operations.held-without-deliveries',
      title: 'count what the ledger has on hold',
      at: '«sql<string>`sum(quote.debit_amount - payment.sent_amount)`».as(',
      by: 'sql<string>`sum(quote.debit_amount)`',
    },
  ]),
  ...noticedBy(paymentsTest, 'src/payments/outgoing/cancel.ts', [
    {
      id: 'operations.delivered-part-cancelled',
      title: 'once a part has been delivered',
      at: 'if («job.deliveredAmount > 0n») throw',
      by: 'false',
    },
  ]),
  ...noticedBy('test/ase/readiness.test.ts', 'src/ase/readiness.ts', [
    {
      id: 'operations.read-only-is-ready',
      title: 'takes no writes',
      at: "return row ? «await db.transaction(writePages)» : 'not_provisioned';",
      by: 'undefined',
    },
    {
      id: 'operations.probe-each-time',
      title: 'cost one probe',
      at: 'if («age !== undefined && age >= 0 && age < KEPT_MS») return',
      by: 'false',
    },
  ]),
  ...noticedBy('test/database/pooler.test.ts', 'src/database/connection-limits.ts', [
    {
      id: 'operations.refused-parameter-is-fatal',
      title: 'a world starts on an empty database',
      function: 'isRefusedParameter',
      returns: 'false',
    },
    {
      id: 'operations.limits-left-in-session',
      title: 'a world starts on an empty database',
      at: '(name) => «`set local ${name} = ${patienceMs}`»,',
      by: '`set ${name} = ${patienceMs}`',
    },
    {
      id: 'operations.transactions-without-limits',
      title: 'a world starts on an empty database',
      at: 'query(«isBegin» ?',
      by: 'false',
    },
    {
      id: 'operations.rolled-back-is-committed',
      title: 'a world starts on an empty database',
      at: "if («result.command === 'ROLLBACK'») throw",
      by: 'false',
    },
    {
      id: 'operations.rollback-beside-a-statement',
      title: 'a world starts on an empty database',
      at: 'last = «result.catch(() => {})»',
      by: 'Promise.resolve()',
    },
  ]),
  ...noticedBy('test/database/connections.test.ts', 'src/cli/deployment-options.ts', [
    {
      id: 'operations.connections-ignored',
      title: 'as many as the option says',
      at: 'databaseConnections: poolSize } = «config»;',
      by: '{ ...config, databaseConnections: undefined }',
    },
  ]),
  ...noticedBy('test/database/connections.test.ts', 'src/database/database.ts', [
    {
      id: 'operations.connections-for-any-machine',
      title: 'else two for each core',
      at: '=> «Math.min(2 * availableParallelism() + 1, 10)»;',
      by: '11',
    },
  ]),
  ...noticedBy('test/payments/outgoing/worker.race.test.ts', 'src/payments/incoming/reservations.ts', [
    {
      id: 'reservations.not-made',
      title: 'one delivers all and the other nothing',
      at: 'if («connection === undefined || rest <= 0n || others.length >= MAX_RESERVATIONS») return',
      by: 'true',
    },
  ]),
  ...noticedBy(competingTest, 'src/payments/incoming/reservations.ts', [
    {
      id: 'reservations.dropped-by-packets-in-flight',
      title: 'do not say how much is to follow',
      at: 'claim.outstanding ?? «BigInt(known?.amount ?? 0)»;',
      by: 'amount',
    },
    {
      id: 'reservations.whole-time-for-one-unit',
      title: 'holds for less after a credit of less than one percent',
      at: 'wallNow + «holdMs(amount, outstanding)»);',
      by: 'RESERVATION_MS',
    },
    {
      id: 'reservations.for-ever',
      title: 'free again after a minute',
      at: '&& «reservation.until > wallNow»);',
      by: 'true',
    },
  ]),
  ...noticedBy(competingTest, 'src/payments/incoming/credit.ts', [
    {
      id: 'reservations.only-the-packet',
      title: 'holds for a minute',
      at: 'const needed = «connection !== undefined && outstanding > amount» ?',
      by: 'false',
    },
  ]),
  ...noticedBy(competingTest, 'src/payments/ilp/stream-receiver.ts', [
    {
      id: 'reservations.kept-by-an-ended-connection',
      title: 'ends with its connection',
      at: 'if («request.request.closesConnection» && connection',
      by: 'false',
    },
    {
      id: 'reservations.ended-by-a-late-packet',
      title: 'ends with its connection',
      at: '«!isExpired(options, packet)») {\n        await releaseRoom',
      by: 'true',
    },
  ]),
  ...noticedBy(competingTest, 'src/payments/outgoing/send.ts', [
    {
      id: 'reservations.ignored-within-the-ase',
      title: 'within the ASE wait',
      at: "if («error.code === 'incoming_amount_reserved'») return",
      by: 'false',
    },
  ]),
  ...noticedBy('test/http/request-rejections.test.ts', 'src/http/request-validator.ts', [
    {
      id: 'ready.rejections-load-late',
      title: 'leaves nothing to load',
      at: '  «unloaded.add(load)»;',
      by: 'undefined',
    },
  ]),
  ...noticedBy('test/cli/first-pause.test.ts', 'src/cli/first-pause.ts', [
    {
      id: 'ready.no-pause-is-awaited',
      title: 'when no request has ended',
      at: 'if («!isBusy») {',
      by: 'true',
    },
  ]),
  ...noticedBy('test/world/count-by-state.test.ts', 'src/world/count-by-state.ts', [
    {
      id: 'costs.metrics-count-each-time',
      title: 'kept for a minute',
      at: 'if («kept && now() < kept.until») return',
      by: 'false',
    },
    {
      id: 'costs.metrics-count-one-slice',
      title: 'all rows are counted once',
      at: 'last = «size === slice ? counted[0]?.last : undefined»;',
      by: 'undefined',
    },
  ]),
  ...noticedBy('test/payments/costs.test.ts', 'src/payments/ledger.ts', [
    {
      id: 'costs.entries-counted-each-time',
      title: 'takes as many entries for a packet',
      at: 'return «balance === null» ?',
      by: 'true',
    },
    {
      id: 'costs.first-count-without-waiting',
      title: 'waits. when it is first asked for',
      at: "await «tx.selectFrom('account').select('id').where((is) => is.and(ofAccount)).forUpdate()».execute();",
      by: "tx.selectFrom('account').select('id').where((is) => is.and(ofAccount))",
    },
  ]),
];
