/** Mutants of the result of a probe and of `touchstone explain`. Clients cannot see these, so tests have to fail. */
import { type Mutant, noticedBy } from './mutant.ts';

const facts = 'test/grade/catalogue.test.ts';
const command = 'test/cli/explain.test.ts';

export const catalogueMutants: readonly Mutant[] = [
  ...noticedBy(facts, 'src/grade/probes.ts', [
    {
      id: 'probe.idle-client-passes',
      title: 'stops early, passes no probe',
      at: 'if («!facts.controlPassed || !facts.armed || !facts.reached») return',
      by: 'false',
    },
    {
      id: 'probe.forbidden-request-passes',
      title: 'the facts of a trap decide its result',
      at: 'if («facts.forbiddenSeen» || (mustEnd && facts.killed)) return',
      by: 'false',
    },
    {
      id: 'probe.endless-process-passes',
      title: 'the facts of a trap decide its result',
      at: 'if (facts.forbiddenSeen || («mustEnd && facts.killed»)) return',
      by: 'false',
    },
    {
      id: 'probe.silence-always-passes',
      title: 'the facts of a trap decide its result',
      at: "return «deadline === 'go'» && !facts.requiredSeen ?",
      by: 'false',
    },
    {
      id: 'probe.blames-the-client-for-the-server',
      title: 'stops early, passes no probe',
      at: 'if («facts.serverFault») return',
      by: 'false',
    },
  ]),
  ...noticedBy(command, 'src/cli/explain.ts', [
    {
      id: 'explain.id-as-written-only',
      title: 'ids are found in any case',
      at: 'const id = «text.toUpperCase()»;',
      by: 'text',
    },
    {
      id: 'explain.inherited-names',
      title: 'an unknown id is a mistake',
      at: 'if («Object.hasOwn(requirements, id)») return',
      by: 'id in requirements || text in requirements',
    },
    {
      id: 'explain.no-suggestion',
      title: 'an unknown id is a mistake',
      at: '${«didYouMean(text, known)» || remedy}',
      by: '""',
    },
  ]),
  ...noticedBy(command, 'src/cli/parse-config.ts', [
    {
      id: 'explain.further-ids-ignored',
      title: 'the command takes one id',
      at: 'const isExpected = «given.length === 0 || (given.length === 1 && given[0] === EXCHANGE)»;',
      by: 'true',
    },
  ]),
];
