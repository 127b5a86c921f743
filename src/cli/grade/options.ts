/** The options that only `touchstone grade` takes. */
import type { Option } from '../option.ts';

export const gradeOptions = {
  attach: {
    flag: 'attach',
    kind: 'boolean',
    commands: ['grade'],
    sentence:
      'Instead of running a command, judge what the running world at --control-port or TOUCHSTONE_CONTROL has already seen.',
  },
  timeout: {
    flag: 'timeout',
    kind: 'integer',
    value: 'SECONDS',
    fallback: '600',
    maximum: 86_400,
    commands: ['grade'],
    sentence: 'End the command after this time. 0 lets it run for ever.',
  },
  requirements: {
    flag: 'requirements',
    kind: 'string',
    value: 'SET',
    fallback: 'current',
    commands: ['grade'],
    sentence:
      'Judge by this frozen set of requirements and levels, so that a new version of Touchstone fails no client that passes. The set is named after a version of Open Payments: 1.3.0.',
  },
  only: {
    flag: 'only',
    kind: 'string',
    value: 'IDS',
    commands: ['grade'],
    sentence: 'Judge only these requirements: ids, areas and beginnings, such as CL-SIG,CL-GNAP-17,CL-TOK-0*.',
  },
  should: {
    flag: 'should',
    kind: 'boolean',
    commands: ['grade'],
    sentence: 'Fail the run on recommendations (level should) as well. Otherwise these are warnings.',
  },
  baseline: {
    flag: 'baseline',
    kind: 'string',
    value: 'FILE',
    commands: ['grade'],
    sentence:
      'Expect the violations that this YAML or JSON file lists, each with its reason. A listed requirement that is met fails the run.',
  },
  writeBaseline: {
    flag: 'write-baseline',
    kind: 'string',
    value: 'FILE',
    commands: ['grade'],
    sentence: 'Write the violations of this run to a file for --baseline, and expect them.',
  },
  minCoverage: {
    flag: 'min-coverage',
    kind: 'integer',
    value: 'PERCENT',
    maximum: 100,
    commands: ['grade'],
    sentence: 'Fail the run if the client saw fewer of the statuses that Open Payments declares.',
  },
  probes: {
    flag: 'probes',
    kind: 'string',
    value: '[IDS]',
    implied: 'all',
    commands: ['grade'],
    sentence:
      'Run the command again with a hostile or unusual server for each probe, all or these: ids, names and beginnings, such as P04,finish-hash-wrong,P1*. How long it takes is printed beforehand.',
  },
  jobs: {
    flag: 'jobs',
    kind: 'integer',
    value: 'N',
    maximum: 64,
    commands: ['grade'],
    sentence: 'Number of commands that run at the same time for probes. Default: one for each processor.',
  },
  report: {
    flag: 'report',
    kind: 'string',
    value: 'DIR',
    fallback: 'touchstone-report',
    commands: ['grade', 'explain'],
    sentence: 'Write the reports to this directory. They contain no secrets. explain exchange reads them.',
  },
} as const satisfies Record<string, Option>;
