/**
 * Mutants of what operators rely on: reasons of failures, lists of payments, metrics, cancellation and readiness. No
 * client can see these, so unit tests have to fail.
 */
import type { Mutant } from './mutant.ts';

const paymentsTest = 'test/administration/outgoing-payments.test.ts';
const raceTest = 'test/payments/outgoing/worker.race.test.ts';
const competingTest = 'test/payments/outgoing/competing.test.ts';
const costsTest = 'test/payments/costs.test.ts';
const poolerTest = 'test/database/pooler.test.ts';
const readinessTest = 'test/ase/readiness.test.ts';

const broken: readonly Omit<Mutant, 'fails'>[] = [
  {
    id: 'operations.failure-without-reason',
    file: 'src/payments/outgoing/worker.ts',
    at: '«describeReason({ reason, detail })»;',
    by: 'undefined',
    test: paymentsTest,
    title: 'says what the last attempt',
  },
  {
    id: 'operations.age-ignored',
    file: 'src/administration/outgoing-payments.ts',
    at: '.$if(«olderThan !== undefined», (query) =>',
    by: 'false',
    test: paymentsTest,
    title: 'pending payments oldest first',
  },
  {
    id: 'operations.held-without-deliveries',
    file: 'src/administration/outgoing-payments.ts',
    at: '«sql<string>`sum(quote.debit_amount - payment.sent_amount)`».as(',
    by: 'sql<string>`sum(quote.debit_amount)`',
    test: paymentsTest,
    title: 'count what the ledger has on hold',
  },
  {
    id: 'operations.attempts-end-early',
    file: 'src/payments/outgoing/worker.ts',
    at: 'Math.min(200 * «2 ** attempts», 60_000);',
    by: '(attempts + 1)',
    test: paymentsTest,
    title: 'end after the time',
  },
  {
    id: 'operations.delivered-part-cancelled',
    file: 'src/payments/outgoing/cancel.ts',
    at: 'if («job.deliveredAmount > 0n») throw',
    by: 'false',
    test: paymentsTest,
    title: 'once a part has been delivered',
  },
  {
    id: 'operations.read-only-is-ready',
    file: 'src/ase/readiness.ts',
    at: "return row ? «await db.transaction(writePages)» : 'not_provisioned';",
    by: 'undefined',
    test: readinessTest,
    title: 'takes no writes',
  },
  {
    id: 'operations.probe-each-time',
    file: 'src/ase/readiness.ts',
    at: 'if («age !== undefined && age >= 0 && age < KEPT_MS») return',
    by: 'false',
    test: readinessTest,
    title: 'cost one probe',
  },
  {
    id: 'operations.refused-parameter-is-fatal',
    file: 'src/database/connection-limits.ts',
    function: 'isRefusedParameter',
    returns: 'false',
    test: poolerTest,
    title: 'a world starts on an empty database',
  },
  {
    id: 'operations.limits-left-in-session',
    file: 'src/database/connection-limits.ts',
    at: '(name) => «`set local ${name} = ${patienceMs}`»,',
    by: '`set ${name} = ${patienceMs}`',
    test: poolerTest,
    title: 'a world starts on an empty database',
  },
  {
    id: 'operations.transactions-without-limits',
    file: 'src/database/connection-limits.ts',
    at: '«/^(begin|start transaction)\\b/.test(text)» ?',
    by: 'false',
    test: poolerTest,
    title: 'a world starts on an empty database',
  },
  {
    id: 'reservations.not-made',
    file: 'src/payments/incoming/reservations.ts',
    at: 'if («connection === undefined || rest <= 0n || others.length >= MAX_RESERVATIONS») return',
    by: 'true',
    test: raceTest,
    title: 'one delivers all and the other nothing',
  },
  {
    id: 'reservations.for-ever',
    file: 'src/payments/incoming/reservations.ts',
    at: '&& «reservation.until > wallNow»;',
    by: 'true',
    test: competingTest,
    title: 'free again after a minute',
  },
  {
    id: 'reservations.only-the-packet',
    file: 'src/payments/incoming/credit.ts',
    at: 'const needed = «connection !== undefined && outstanding > amount» ?',
    by: 'false',
    test: competingTest,
    title: 'holds for a minute',
  },
  {
    id: 'reservations.ignored-within-the-ase',
    file: 'src/payments/outgoing/send.ts',
    at: "if («error.code === 'incoming_amount_reserved'») return",
    by: 'false',
    test: competingTest,
    title: 'within the ASE wait',
  },
  {
    id: 'costs.entries-counted-each-time',
    file: 'src/payments/ledger.ts',
    at: 'return «balance === null» ?',
    by: 'true',
    test: costsTest,
    title: 'takes a packet as many entries',
  },
  {
    id: 'costs.first-count-without-waiting',
    file: 'src/payments/ledger.ts',
    at: "await «tx.selectFrom('account').select('id').where((is) => is.and(ofAccount)).forUpdate()».execute();",
    by: "tx.selectFrom('account').select('id').where((is) => is.and(ofAccount))",
    test: costsTest,
    title: 'waits. when it is first asked for',
  },
];

export const operationsMutants: readonly Mutant[] = broken.map((mutant) => ({ ...mutant, fails: [] }));
