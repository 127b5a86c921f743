/** What a run says: each failed check with what was sent and received, then the rows, then one line to read last. */

import type { Answer } from '../steps/signed-client.ts';
import { answersCheckId, type CheckResult, type Profile, type RowState } from './check.ts';
import type { Redaction } from './redaction.ts';

/** Header lines that carry credentials by their nature are never shown. */
const hiddenHeaders = new Set(['authorization', 'signature', 'cookie', 'set-cookie']);
const longest = 1500;

/** The paragraph about one failed check. */
export function describeFailure(result: CheckResult, redaction: Redaction): string {
  const { failure } = result;
  if (!failure) return '';
  const lines = [`FAIL ${result.id}   ${result.rows.join(' ')}`, `  ${result.title}`, indent(failure.message)];
  if (failure.answer && result.id !== answersCheckId) lines.push(...describeExchange(failure.answer));
  return redaction.redact(lines.join('\n'));
}

function describeExchange(answer: Answer): string[] {
  const { sent } = answer;
  const headers = (all: Iterable<readonly [string, string]>): string =>
    [...all].map(([name, value]) => `${name}: ${hiddenHeaders.has(name.toLowerCase()) ? '…' : value}`).join('\n');
  return [
    '  sent',
    indent(`${sent.method} ${sent.url}\n${headers(sent.headers)}\n${shorten(sent.body?.toString('utf8') ?? '')}`, 4),
    '  received',
    indent(`${answer.status}\n${headers(answer.headers)}\n${shorten(answer.text)}`, 4),
  ];
}

export interface Summary {
  readonly checks: { readonly passed: number; readonly failed: number };
  readonly rows: Readonly<Record<'covered' | 'passed' | 'failed' | 'tested' | 'open', number>>;
}

export function summarise(results: readonly CheckResult[], states: ReadonlyMap<string, RowState>): Summary {
  const failed = results.filter((result) => result.failure).length;
  const count = (state: RowState): number => [...states.values()].filter((value) => value === state).length;
  const rows = { passed: count('passed'), failed: count('failed'), tested: count('tested'), open: count('open') };
  return { checks: { passed: results.length - failed, failed }, rows: { covered: rows.passed + rows.failed, ...rows } };
}

/** The lines about one run, or about all. */
export function describeSummary({ rows, checks }: Summary): string {
  return (
    `rows covered ${rows.covered} · passed ${rows.passed} · failed ${rows.failed} · by tests ${rows.tested} · open ${rows.open}\n` +
    `${checks.passed} passed, ${checks.failed} failed`
  );
}

/** The same as JSON, for `--json FILE`. */
export function reportAsJson(
  results: readonly CheckResult[],
  states: ReadonlyMap<string, RowState>,
  redaction: Redaction,
  profiles: readonly Profile[],
): string {
  const checks = results.map(({ id, title, rows, profile, requests, failure }) => ({
    id,
    profile,
    title,
    rows,
    requests,
    passed: failure === undefined,
    ...(failure ? { message: failure.message } : {}),
  }));
  const report = { profiles, ...summarise(results, states), results: checks, rowStates: Object.fromEntries(states) };
  return `${redaction.redact(JSON.stringify(report, null, 2))}\n`;
}

function indent(text: string, width = 2): string {
  const margin = ' '.repeat(width);
  return text
    .split('\n')
    .map((line) => margin + line)
    .join('\n');
}

function shorten(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
}
