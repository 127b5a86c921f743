/** `touchstone log`: the requests of a running world, one line each, as they happen. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../errors.ts';
import { type ControlApi, openControlApi } from './control-client.ts';
import type { Config } from './options.ts';

interface Exchange {
  readonly id: number;
  readonly at: string;
  readonly ase: string;
  readonly operation: string;
  readonly method: string;
  readonly target: string;
  readonly status: number | null;
  readonly ms: number;
  readonly lenient: readonly string[];
  readonly fault?: string;
  readonly refusal?: { readonly code: string; readonly reason: string };
}

const POLL_MS = 500;
/** Requests that are printed at the beginning. */
const FIRST = 20;

/** Prints what has happened, and follows what happens unless `--once` is given. */
export async function printLog(config: Config, control: string | undefined): Promise<void> {
  const api = openControlApi(config, 'log', control);
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  await followLog(api, config, write, config.once ? () => Promise.resolve(false) : () => sleep(POLL_MS, true));
}

/** Returns when `again` resolves with false. */
export async function followLog(
  api: Pick<ControlApi, 'read'>,
  { json }: Pick<Config, 'json'>,
  write: (line: string) => void,
  again: () => Promise<boolean>,
): Promise<void> {
  let last: number | undefined;
  do {
    const query = last === undefined ? `limit=${FIRST}` : `after=${last}&limit=1000`;
    const body = (await api.read(`/exchanges?${query}`)) as { exchanges: readonly Exchange[] } | undefined;
    if (!body) throw new ConfigError('this world has no list of requests');
    for (const exchange of body.exchanges) write(json ? JSON.stringify(exchange) : describe(exchange));
    last = body.exchanges.at(-1)?.id ?? last ?? 0;
  } while (await again());
}

/** Text of a client must not control the terminal. */
const visible = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '\ufffd');

function describe({ id, at, ase, operation, method, target, status, ms, lenient, fault, refusal }: Exchange): string {
  const notes = [
    ...(refusal ? [`${refusal.code} (${refusal.reason})`] : []),
    ...(fault === undefined ? [] : [`fault ${fault}`]),
    ...(lenient.length > 0 ? [`tolerated ${lenient.join(', ')}`] : []),
  ];
  const line = `#${id} ${at.slice(11, 23)} ${ase} ${operation} ${status ?? 'no answer'} ${ms} ms  ${method} ${target}`;
  return visible([line, ...notes].join('  '));
}
