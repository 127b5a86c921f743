/** Mutants of what is read from a replica, and when the primary is read instead. */
import { type Mutant, noticedBy } from './mutant.ts';

const readsTest = 'test/world/replica-reads.test.ts';
const lists = 'lists and public reads';
const changes = 'a change over the control API';

export const replicaMutants: readonly Mutant[] = [
  ...noticedBy('test/database/replica.test.ts', 'src/database/replica.ts', [
    {
      id: 'replica.changes-ignored',
      title: 'except those of a subject',
      at: '<= MAX_LAG_MS && «!unreplayed.has(subject)»,',
      by: 'true',
    },
    {
      id: 'replica.any-position',
      title: 'except those of a subject',
      at: 'if («!isReached») return;',
      by: 'false',
    },
    {
      id: 'replica.late-changes-forgotten',
      title: 'except those of a subject',
      at: 'reachPosition: () => «beforePosition.clear()»,',
      by: '(beforePosition.clear(), recent.clear())',
    },
    {
      id: 'replica.old-position-after-reset',
      title: 'a position that was asked for before',
      at: 'if («timesDistrusted !== before») return',
      by: 'false',
    },
    {
      id: 'replica.missing-rows',
      title: 'a row that it does not have',
      at: 'if («found !== undefined») return found;',
      by: 'true',
    },
    {
      id: 'replica.any-lag',
      title: 'more than three seconds behind',
      at: 'mayRead: (subject: string) => «now() - replayedUntil <= MAX_LAG_MS» &&',
      by: 'true',
    },
    {
      id: 'replica.tried-again-at-once',
      title: 'a failing read is repeated',
      at: '«progress.distrust()»; } } return work(primary);',
      by: 'undefined',
    },
    {
      id: 'replica.of-another-cluster',
      title: 'a server that does not follow this primary',
      at: 'if («state!.cluster !== position.cluster») throw',
      by: 'false',
    },
  ]),
  ...noticedBy(readsTest, 'src/resource/incoming-payment.ts', [
    {
      id: 'replica.payments-with-token',
      title: lists,
      at: '(id) => «selectById.first(db.query, { ase, id })»);',
      by: 'db.replica.read(ase, (db) => selectById.first(db, { ase, id }))',
    },
  ]),
  ...noticedBy(readsTest, 'src/resource/payment-list.ts', [
    { id: 'replica.lists-of-the-ase', title: lists, at: 'db.replica.read(«readerOf(ase, call)», (db)', by: 'ase' },
  ]),
  ...noticedBy(readsTest, 'src/resource/server.ts', [
    {
      id: 'replica.changes-of-clients-not-noted',
      title: lists,
      at: '.finally(() => «db.replica.noteChange(readerOf(ase, call))»),',
      by: 'undefined',
    },
  ]),
  ...noticedBy(readsTest, 'src/control/audit-log.ts', [
    {
      id: 'replica.changes-of-operators-not-noted',
      title: changes,
      at: 'change.finally(() => «deps.db.replica.noteChange(ase)»);',
      by: 'undefined',
    },
  ]),
  ...noticedBy(readsTest, 'src/database/database.ts', [
    { id: 'replica.reset-not-noted', title: changes, at: '«this.replica.noteChangeOfAll()»;', by: 'undefined' },
  ]),
];
