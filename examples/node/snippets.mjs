/** Runs the official Node snippets in the order of a payment, in a checkout of them: see README.md. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { promisify } from 'node:util';

const authority = process.env.TOUCHSTONE_CA;
/** The variables that the snippets read, and print for each other. */
const state = {
  WALLET_ADDRESS: process.env.TOUCHSTONE_CLIENT,
  KEY_ID: process.env.TOUCHSTONE_KEY_ID,
  PRIVATE_KEY_PATH: process.env.TOUCHSTONE_PRIVATE_KEY_FILE,
  NODE_EXTRA_CA_CERTS: authority,
};
const counts = { passed: 0, failed: 0 };

async function run(snippet, ...args) {
  const env = { ...process.env, ...state };
  const command = ['node_modules/tsx/dist/cli.mjs', `${snippet}.ts`, ...args];
  const { stdout, stderr, code } = await promisify(execFile)(process.execPath, command, { env }).catch(
    (error) => error,
  );
  const kind = code === undefined ? 'passed' : 'failed';
  counts[kind] += 1;
  console.log(`${kind} ${[snippet, ...args].join(' ')}`);
  if (kind === 'failed') console.log(stdout + stderr);
  for (const [, name, value] of stdout.matchAll(/^([A-Z_ ]+?) *= +(\S+)$/gm)) state[name.replaceAll(' ', '_')] = value;
  const [, redirect] = /interact at the following URL: (\S+)/.exec(stdout) ?? [];
  if (redirect) state.URL_WITH_INTERACT_REF = await consent(redirect);
}

/** Consents as the owner would in a browser; returns the finish URI with its interact_ref. */
async function consent(redirect) {
  let url = redirect;
  while (new URL(url).origin === new URL(redirect).origin) {
    const [answer] = await once(get(url, { ca: readFileSync(authority) }), 'response');
    answer.resume();
    url = new URL(answer.headers.location, url).href;
  }
  return url;
}

for (const snippet of ['get', 'get-keys']) await run(`wallet-address/wallet-address-${snippet}`);
await run('grant/grant-incoming-payment');
for (const snippet of ['create', 'get', 'get-public', 'list'])
  await run(`incoming-payment/incoming-payment-${snippet}`);
await run('grant/grant-quote');
for (const snippet of ['create-debit-amount', 'create-receive-amount', 'create', 'get']) {
  await run(`quote/quote-${snippet}`);
}
await run('grant/grant-outgoing-payment');
await run('grant/grant-continuation');
for (const snippet of ['create', 'get', 'list']) await run(`outgoing-payment/outgoing-payment-${snippet}`);
await run('incoming-payment/incoming-payment-create');
await run('incoming-payment/incoming-payment-complete');
await run('grant/grant-outgoing-payment-interval');
await run('grant/grant-revoke');
await run('grant/grant');
for (const kind of ['ip', 'op', 'quote']) await run('token/token-rotate', '--token', kind);
await run('token/token-revoke');

console.log(`${counts.passed} passed, ${counts.failed} failed, 0 skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
