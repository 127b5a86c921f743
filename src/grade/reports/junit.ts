/**
 * JUnit XML, valid against the common schema of JUnit 10 reports: a suite for each area, a test case for each
 * requirement, and one for the run as a whole. Warnings and notes are output, because a run may pass with them.
 */
import XMLBuilder from 'fast-xml-builder';
import { areaNames, areas, requirements } from '../catalogue.ts';
import type { Report, Verdict } from '../report.ts';
import { areaOf, type Case, casesOf, citationsOf, commandLine, endOf, reasonOf, standingOf } from './summary.ts';
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

export function renderJUnit(report: Report): string {
  const suites = areaNames.flatMap((area) => {
    const verdicts = report.verdicts.filter(({ id }) => areaOf(id) === area);
    if (verdicts.length === 0) return [];
    return [
      suiteOf(
        report,
        `${area} ${areas[area]}`,
        verdicts.map((verdict) => testCaseOf(report, verdict)),
      ),
    ];
  });
  const all = [suiteOf(report, 'run', [runCase(report)]), ...suites];
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
      '@name': 'touchstone grade',
      '@time': secondsOf(report.milliseconds),
      '@tests': total('@tests'),
      '@failures': total('@failures'),
      '@errors': total('@errors'),
      testsuite: all,
    },
  });
}

function suiteOf(report: Report, name: string, cases: readonly TestCase[]) {
  const number = (member: 'failure' | 'error' | 'skipped') => String(cases.filter((each) => each[member]).length);
  return {
    '@name': name,
    '@tests': String(cases.length),
    '@failures': number('failure'),
    '@errors': number('error'),
    '@skipped': number('skipped'),
    '@timestamp': report.startedAt.replace(/\.\d+Z$/, ''),
    testcase: cases,
  };
}

/** Groups of three digits and decimals, which is what the schema allows. */
const secondsOf = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

function runCase(report: Report): TestCase {
  const { result, reasons, milliseconds } = report;
  const named = { '@name': 'result', '@classname': 'touchstone.run', '@time': secondsOf(milliseconds) };
  const output = `${visible(commandLine(report))}\n${endOf(report)}`;
  if (result === 'passed') return { ...named, 'system-out': output };
  const message = messageOf(result, reasons.join('; '), [...reasons, output].join('\n'));
  return { ...named, [result === 'broken' ? 'error' : 'failure']: message };
}

function testCaseOf(report: Report, verdict: Verdict): TestCase {
  const { id, level, expected } = verdict;
  const { title } = requirements[id];
  const named = { '@name': `${id} ${title}`, '@classname': `touchstone.${areaOf(id)}` };
  const text = explanationOf(report, verdict);
  switch (standingOf(verdict)) {
    case 'pass':
      return named;
    case 'fail':
      return { ...named, failure: messageOf(level, casesOf(report, verdict)[0]?.detail ?? title, text) };
    case 'warning':
    case 'note':
      return { ...named, 'system-out': text };
    case 'expected':
      return { ...named, skipped: skippedFor('expected', `expected failure: ${expected}`), 'system-out': text };
    case 'inconclusive':
      return { ...named, skipped: skippedFor('inconclusive', `inconclusive: ${reasonOf(verdict)}`) };
    case 'not-exercised':
      return { ...named, skipped: skippedFor('not-exercised', 'not exercised by this run') };
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

function explanationOf(report: Report, verdict: Verdict): string {
  const { id, status, level } = verdict;
  const { statement, fix } = requirements[id];
  const lines = [
    `${status} (${level}): ${statement}`,
    ...citationsOf(id).map(({ citation, url }) => (citation === url ? url : `${citation} ${url}`)),
    ...casesOf(report, verdict).flatMap(caseLines),
    `fix: ${fix}`,
  ];
  return lines.map((line) => visible(line)).join('\n');
}

const caseLines = ({ detail, expected, actual, firstDifference, exchange, probe }: Case): string[] => [
  `${exchange === undefined ? '' : `#${exchange} `}${probe === undefined ? '' : `${probe} `}${detail}`,
  ...(expected === undefined ? [] : [`  expected ${shorten(expected, MAX_MESSAGE)}`]),
  ...(actual === undefined ? [] : [`  actual   ${shorten(actual, MAX_MESSAGE)}`]),
  ...(firstDifference === undefined ? [] : [`  first difference at byte ${firstDifference}`]),
];
