/** `touchstone explain exchange N`: a recorded exchange of a running world, and the explanation of its signature. */
import { ConfigError } from '../errors.ts';
import type { DescribedExchange } from '../grade/describe-exchange.ts';
import { visibleLines } from '../report/visible-text.ts';
import { openControlApi } from './control-client.ts';
import type { Config } from './options.ts';

export async function printExchange(config: Config, control: string | undefined): Promise<void> {
  const [, id = ''] = config.operands;
  if (!/^[1-9]\d{0,14}$/.test(id)) {
    throw new ConfigError('touchstone explain exchange takes the id of an exchange, which the control API lists');
  }
  const api = openControlApi(config, 'explain exchange', control);
  const exchange = (await api.read(`/exchanges/${id}`)) as DescribedExchange | undefined;
  if (exchange === undefined) {
    throw new ConfigError(`no record of exchange ${id}; --record-exchanges sets how many a world keeps`);
  }
  process.stdout.write(`${config.json ? JSON.stringify(exchange, null, 2) : printDescription(exchange)}\n`);
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
