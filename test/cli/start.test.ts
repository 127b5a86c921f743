/** The program as a user starts it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findFreePort } from '../support/free-port.ts';
import { prepareResources } from '../support/prepared-resources.ts';
import { readEnvironment, startProcess } from '../support/process.ts';
import { send } from '../support/signed-fetch.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const run = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

// All other mistakes: mistakes.test.ts
test('a mistake is reported in one line', () => {
  const unknown = run('start', '--consnt', 'auto');
  assert.deepEqual(
    [unknown.status, unknown.stderr],
    [1, 'touchstone: unknown option --consnt; did you mean --consent?\n'],
  );
  const command = run('strat');
  assert.match(command.stderr, /unknown command strat; did you mean start\?/);
  assert.match(run('--help').stdout, /touchstone reconcile/);
  assert.match(run('start', '--help').stdout, /--database-url URL/);
});

test('it prints what a client needs, keeps the key readable by its user only, and stops on SIGTERM', async () => {
  const { ready, stop } = await startProcess(['--port', '0', '--seed', '7']);
  const { env } = ready;
  const file = env['TOUCHSTONE_PRIVATE_KEY_FILE']!;
  assert.equal(await readFile(file, 'utf8'), env['TOUCHSTONE_PRIVATE_KEY']);
  assert.equal(Buffer.from(env['TOUCHSTONE_PRIVATE_KEY_BASE64']!, 'base64').toString(), env['TOUCHSTONE_PRIVATE_KEY']);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  for (const { origin } of ready.ases) {
    assert.equal((await fetch(`${origin}/livez`)).status, 200);
    assert.equal((await fetch(`${origin}/readyz`)).status, 200);
  }
  assert.equal(await stop(), 0);
  await assert.rejects(stat(file), { code: 'ENOENT' });
});

test('RS-28: accepted data survives a restart; a second process on the same data is rejected', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'touchstone-data-'));
  // Both starts use the same port.
  const port = String(await findFreePort(100, 900));
  const args = ['--port', port, '--consent', 'auto', '--data', directory];
  try {
    const first = await startProcess(args);
    const environment = readEnvironment(first.ready);
    assert.match(run('start', '--port', '0', '--data', directory).stderr, /is in use by process/);
    for (const name of await readdir(directory, { recursive: true })) {
      const { mode } = await stat(join(directory, name));
      assert.equal(mode & 0o077, 0, `other users can reach ${name}`);
    }
    const { tokens, incomingPayment } = await prepareResources(
      { controls: remoteConsent(first.ready.env), settled: async () => {} },
      environment,
    );
    first.child.kill('SIGKILL');
    await first.ended;
    const second = await startProcess(args);
    const again = readEnvironment(second.ready);
    assert.equal(again.privateKey, environment.privateKey);
    const answer = await send(again, { method: 'GET', url: incomingPayment, token: tokens.incoming });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(await second.stop(), 0);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

/** Changes the policy through the control API of a process. */
const remoteConsent = (env: Readonly<Record<string, string>>) => ({
  async setConsent(mode: string) {
    await fetch(`${env['TOUCHSTONE_CONTROL']}/consent`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env['TOUCHSTONE_CONTROL_TOKEN']}`, 'content-type': 'application/json' },
      body: JSON.stringify({ mode }),
    });
  },
});

test('no secret reaches the log', async () => {
  const { ready, child, stop } = await startProcess(['--port', '0', '--consent', 'auto', '--log-level', 'debug']);
  let log = '';
  child.stderr!.on('data', (chunk) => {
    log += chunk;
  });
  const environment = readEnvironment(ready);
  const { tokens, grant, pending } = await prepareResources(
    { controls: remoteConsent(ready.env), settled: async () => {} },
    environment,
  );
  await send(environment, {
    method: 'GET',
    url: `${ready.ases[0]!.resourceServer}/outgoing-payment-grant`,
    token: 'unknown-token-value',
  });
  await stop();
  assert.match(log, /"operationId":"create-outgoing-payment"/);
  const secrets = [
    ...Object.values(tokens),
    grant.continueToken,
    pending.continueToken,
    'unknown-token-value',
    ready.env['TOUCHSTONE_CONTROL_TOKEN']!,
  ];
  for (const secret of secrets) assert.ok(!log.includes(secret));
  assert.doesNotMatch(log, /PRIVATE KEY|sharedSecret":"(?!\[Redacted)/);
});
