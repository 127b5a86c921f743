/**
 * `touchstone explain exchange N`: an exchange of a running world, or of the report of a run, and the explanation of its
 * signature. `P01/N` is an exchange of the run under that probe.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import type { DescribedExchange } from '../grade/describe-exchange.ts';
import type { JsonReport } from '../grade/reports/json.ts';
import { visibleLines } from '../report/visible-text.ts';
import { openControlApi } from './control-client.ts';
import type { Config } from './options.ts';

/** `12`, `P01/12`, or `P02.2/12` for the second run under a probe with several. */
const EXCHANGE_ID = /^(?:(?<probe>[a-z0-9-]+?)(?:\.(?<run>[1-9]))?\/)?(?<id>[1-9]\d{0,14})$/i;

interface ExchangeId {
  readonly id: number;
  /** Id or name of a probe. */
  readonly probe?: string | undefined;
  /** Number of its run, from 1. */
  readonly run?: number | undefined;
}

function parseExchangeId(text: string): ExchangeId {
  const { id, probe, run } = EXCHANGE_ID.exec(text)?.groups ?? {};
  if (id === undefined) {
    throw new ConfigError(
      `touchstone explain exchange takes the number of an exchange, such as 12, or P01/12 for the run under a probe, not '${text.slice(0, 100)}'`,
    );
  }
  return { id: Number(id), probe, ...(run !== undefined && { run: Number(run) }) };
}

/** The text to print. Without a control token, the exchange is looked up in the report. Throws ConfigError. */
export async function explainExchange(config: Config, control: string | undefined): Promise<string> {
  const wanted = parseExchangeId(config.operands[1] ?? '');
  const exchange =
    config.controlToken === undefined || wanted.probe !== undefined
      ? findReported(await readReport(config.report), wanted, config.report)
      : await readRunning(config, control, wanted);
  return config.json ? JSON.stringify(exchange, null, 2) : printDescription(exchange);
}

async function readRunning(
  config: Config,
  control: string | undefined,
  { id }: ExchangeId,
): Promise<DescribedExchange> {
  const api = openControlApi(config, 'explain exchange', control);
  const exchange = (await api.read(`/exchanges/${id}`)) as DescribedExchange | undefined;
  if (exchange === undefined) {
    throw new ConfigError(`no record of exchange ${id}; --record-exchanges sets how many a world keeps`);
  }
  return exchange;
}

type Reported = Pick<JsonReport, 'exchanges' | 'probes'>;

async function readReport(directory: string): Promise<Reported> {
  const file = join(directory, 'report.json');
  const text = await readFile(file, 'utf8').catch(({ code }: NodeJS.ErrnoException) => {
    throw new ConfigError(
      `${file} cannot be read (${code}): name the directory of a report with --report, or a running world with --control-token`,
    );
  });
  const report = parseReport(text);
  if (!Array.isArray(report?.exchanges) || !Array.isArray(report.probes)) {
    throw new ConfigError(`${file} is not a report of touchstone grade`);
  }
  return report;
}

function parseReport(text: string): Reported | undefined {
  try {
    return JSON.parse(text) as Reported;
  } catch {
    return undefined;
  }
}

function findReported({ exchanges, probes }: Reported, { id, probe, run }: ExchangeId, directory: string) {
  const isWanted = (exchange: DescribedExchange): boolean => exchange.id === id;
  if (probe === undefined) {
    const exchange = exchanges.find(isWanted);
    if (exchange) return exchange;
    throw new ConfigError(`the report in ${directory} has no exchange ${id}${listIds(exchanges)}`);
  }
  const named = probes.find((each) => [each.id, each.name].some((name) => name.toLowerCase() === probe.toLowerCase()));
  if (named === undefined) throw new ConfigError(`the report in ${directory} has no probe ${probe}`);
  const runs = run === undefined ? named.runs : named.runs.slice(run - 1, run);
  if (runs.length === 0) throw new ConfigError(`the report in ${directory} has no run ${run ?? 1} of ${named.id}`);
  // Numbers count the requests of each run, so those that decided come first.
  const found =
    runs.find(({ decisive, exchanges: own }) => decisive.includes(id) && own.some(isWanted)) ??
    runs.find(({ exchanges: own }) => own.some(isWanted));
  const exchange = found?.exchanges.find(isWanted);
  if (exchange) return exchange;
  throw new ConfigError(
    `the report in ${directory} has no exchange ${id} of ${named.id}${listIds(runs.flatMap(({ exchanges: own }) => own))}`,
  );
}

function listIds(exchanges: readonly DescribedExchange[]): string {
  const ids = [...new Set(exchanges.map(({ id }) => id))].sort((one, other) => one - other);
  if (ids.length === 0) return '';
  return `, but ${ids.slice(0, 20).join(', ')}${ids.length > 20 ? ` … ${ids.at(-1)}` : ''}`;
}

const results: Readonly<Record<DescribedExchange['signature']['result'], string>> = {
  unsigned: 'the request is not signed',
  correct: 'the signature is correct',
  tolerated: 'the signature is accepted in this profile in spite of mistakes',
  explained: 'the signature is not correct, for this reason',
  unexplained: 'the signature is not correct, and no common mistake makes it verify',
  'no-key': 'no key was found, so only the form of the signature was checked',
};

/** Text of a client must not control the terminal. */
export const printDescription = (exchange: DescribedExchange): string =>
  visibleLines(describeInLines(exchange)).join('\n');

function describeInLines({ request, response, signature, ...summary }: DescribedExchange): string {
  const { result, mistakes, refusal, key, digest, base, signed, firstDifference } = signature;
  const headers = (lines: readonly string[][]) => lines.map(([name, value]) => `  ${name}: ${value}`);
  const body = (text: string | null, bytes: number) => (bytes === 0 ? [] : ['', indent(text ?? `(${bytes} bytes)`)]);
  const end = response === null ? 'the connection ended without an answer' : `status ${summary.status}`;
  return [
    `exchange ${summary.id}  ${summary.receivedAt}  ${summary.ase}  ${summary.operation}`,
    '',
    `  ${request.line}`,
    ...headers(request.headers),
    ...body(request.body, request.bytes),
    '',
    end,
    ...(response ? [...headers(response.headers), ...body(response.body, response.bytes)] : []),
    '',
    results[result],
    ...(refusal ? [`  ${refusal.reason}: ${refusal.detail}`] : []),
    ...mistakes.flatMap(({ name, sentence, fix }) => [`  ${name}: ${sentence}`, `    ${fix}`]),
    ...(key ? [`  key ${key.keyid} from ${key.source}`] : []),
    ...(digest && !digest.matches
      ? [`  digest received  ${digest.received}`, `         expected  ${digest.expected}`]
      : []),
    ...(base === undefined ? [] : ['', 'signature base', indent(base)]),
    ...(signed && firstDifference ? ['', `signed by the client (${signed.encoding})`, indent(signed.value)] : []),
    ...(firstDifference ? ['', printDifference(firstDifference)] : []),
  ].join('\n');
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');

function printDifference({
  line,
  column,
  offset,
  expected,
  signed,
}: NonNullable<DescribedExchange['signature']['firstDifference']>): string {
  const bytes =
    expected === null && signed === null ? '' : `: expected ${expected ?? 'the end'}, signed ${signed ?? 'the end'}`;
  return `first difference: line ${line}, column ${column} (byte ${offset})${bytes}`;
}
