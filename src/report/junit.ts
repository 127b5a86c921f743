/**
 * JUnit XML, valid against the common schema of JUnit 10 reports: a suite for each area, a test case for each
 * rule, and one for the run as a whole. Warnings and notes are output, because a run may pass with them.
 */
import XMLBuilder from 'fast-xml-builder';
import type { Case, ShownVerdict, View } from './view.ts';
import { shorten, visible, visibleLines } from './visible-text.ts';

interface Message {
  readonly '@message': string;
  readonly '@type': string;
  readonly '#text': string;
}

interface TestCase {
  readonly '@name': string;
  readonly '@classname': string;
  readonly '@time'?: string;
  readonly failure?: Message;
  readonly error?: Message;
  readonly skipped?: Omit<Message, '#text'>;
  readonly 'system-out'?: string;
}

const MAX_MESSAGE = 1000;
const MAX_TEXT = 8000;

export function renderJUnit(view: View): string {
  const suites = view.areas.flatMap(([area, title]) => {
    const verdicts = view.verdicts.filter(({ rule }) => rule.area === area);
    if (verdicts.length === 0) return [];
    return [
      suiteOf(
        view,
        area === title ? area : `${area} ${title}`,
        verdicts.map((verdict) => testCaseOf(view, verdict)),
      ),
    ];
  });
  const all = [suiteOf(view, 'run', [runCase(view)]), ...suites];
  const total = (name: '@tests' | '@failures' | '@errors') =>
    String(all.reduce((sum, suite) => sum + Number(suite[name]), 0));
  const builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    format: true,
    suppressEmptyNode: true,
  });
  return builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    testsuites: {
      '@name': view.program,
      '@time': secondsOf(view.milliseconds),
      '@tests': total('@tests'),
      '@failures': total('@failures'),
      '@errors': total('@errors'),
      testsuite: all,
    },
  });
}

function suiteOf(view: View, name: string, cases: readonly TestCase[]) {
  const number = (member: 'failure' | 'error' | 'skipped') => String(cases.filter((each) => each[member]).length);
  return {
    '@name': name,
    '@tests': String(cases.length),
    '@failures': number('failure'),
    '@errors': number('error'),
    '@skipped': number('skipped'),
    '@timestamp': view.startedAt.replace(/\.\d+Z$/, ''),
    testcase: cases,
  };
}

/** Groups of three digits and decimals, which is what the schema allows. */
const secondsOf = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

function runCase(view: View): TestCase {
  const { result, reasons, milliseconds, remarks, target, end } = view;
  const named = { '@name': 'result', '@classname': 'touchstone.run', '@time': secondsOf(milliseconds) };
  const output = [target, end, ...remarks].map(visible).join('\n');
  if (result === 'passed') return { ...named, 'system-out': output };
  const message = messageOf(result, reasons.join('; '), [...reasons, output].join('\n'));
  return { ...named, [result === 'broken' ? 'error' : 'failure']: message };
}

function testCaseOf({ words }: View, verdict: ShownVerdict): TestCase {
  const { level, expected, standing } = verdict;
  const { id, title, area } = verdict.rule;
  const named = { '@name': `${id} ${title}`, '@classname': `touchstone.${area}` };
  const text = explanationOf(verdict);
  switch (standing) {
    case 'pass':
      return named;
    case 'fail':
      return { ...named, failure: messageOf(level, verdict.cases[0]?.detail ?? title, text) };
    case 'warning':
    case 'note':
      return { ...named, 'system-out': text };
    case 'expected':
      return { ...named, skipped: skippedFor('expected', `expected failure: ${expected}`), 'system-out': text };
    case 'inconclusive':
      return { ...named, skipped: skippedFor('inconclusive', `${words.inconclusive}: ${verdict.reason}`) };
    case 'not-exercised':
      return {
        ...named,
        skipped: skippedFor('not-exercised', verdict.reason ?? `${words['not-exercised']} by this run`),
      };
  }
}

const skippedFor = (type: string, message: string) => ({
  '@message': visible(shorten(message, MAX_MESSAGE)),
  '@type': type,
});

const messageOf = (type: string, message: string, text: string): Message => ({
  ...skippedFor(type, message),
  '#text': visibleLines(shorten(text, MAX_TEXT)).join('\n'),
});

function explanationOf(verdict: ShownVerdict): string {
  const { status, level } = verdict;
  const { statement, fix, references } = verdict.rule;
  const lines = [
    `${status} (${level}): ${statement}`,
    ...references.map(({ citation, url }) => (citation === url ? url : `${citation} ${url}`)),
    ...verdict.cases.flatMap(caseLines),
    `fix: ${fix}`,
  ];
  return lines.map((line) => visible(line)).join('\n');
}

const caseLines = ({ detail, expected, actual, firstDifference, exchange, probe, curl }: Case): string[] => [
  `${exchange === undefined ? '' : `#${exchange} `}${probe === undefined ? '' : `${probe.id} `}${detail}`,
  ...(expected === undefined ? [] : [`  expected ${shorten(expected, MAX_MESSAGE)}`]),
  ...(actual === undefined ? [] : [`  actual   ${shorten(actual, MAX_MESSAGE)}`]),
  ...(firstDifference === undefined ? [] : [`  first difference at byte ${firstDifference}`]),
  ...(curl === undefined ? [] : [`  ${curl}`]),
];
