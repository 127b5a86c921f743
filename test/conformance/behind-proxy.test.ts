/** Some of the checks against a world behind a TLS proxy, with its control API closed. `make check-behind-proxy` runs all. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { checks } from '../../conformance/checks/index.ts';
import { runChecks } from '../../conformance/runner/check.ts';
import { parseOptions, targetVariables } from '../../conformance/runner/options.ts';
import { checkSetUp } from '../../conformance/runner/preflight.ts';
import { createRun } from '../../conformance/runner/run.ts';
import { parseTarget } from '../../conformance/runner/target.ts';
import { loadOperations } from '../../conformance/runner/validation.ts';
import { clientEnvironment } from '../support/world.ts';
import { startWorldBehindProxy, type WorldBehindProxy } from '../support/world-behind-proxy.ts';

/** Checks that depend on URLs, and some for each capability that the control API brings. */
const chosen = [
  /^(back-channel|discovery|interaction|interledger|introspection|metadata|private|profile|rates|settlement|wallet-address)\./,
  /^(continuation\.accepted|declared\.get-quote|limit\.debit|list\.(outgoing-)?pages|token\.rotate|touchstone)/,
  /^signature\.(answers|forwarded|percent|published|query|two|uncovered)/,
  /^client-keys\.(bound|fetched|one|own|removed)/,
];

const directory = mkdtempSync(join(tmpdir(), 'behind-proxy-'));
const authorities = getCACertificates('default');
let served: WorldBehindProxy;

before(async () => {
  served = await startWorldBehindProxy();
  setDefaultCACertificates([...authorities, served.authority]);
});

after(async () => {
  setDefaultCACertificates(authorities);
  await served?.close();
  rmSync(directory, { recursive: true });
});

test('everything passes, and only checks that need the control API are not applicable', async () => {
  const { walletAddress, receiver, client, keyId, privateKey } = clientEnvironment(served.world);
  const keyFile = join(directory, 'key.pem');
  writeFileSync(keyFile, privateKey);
  const options = parseOptions([
    ...['--wallet-address', walletAddress, '--receiver', receiver, '--client', client],
    ...['--key-id', keyId, '--private-key', keyFile],
  ]);
  const target = parseTarget(targetVariables(options, {}));
  await checkSetUp(target);
  const run = await createRun(target, await loadOperations());
  const { sender } = run.contextFor().context;
  assert.equal(
    new Set([sender.url, sender.authServer, sender.resourceServer].map((url) => new URL(url).origin)).size,
    3,
  );
  assert.match(
    `${sender.authServer} ${sender.resourceServer}`,
    /^https:\S+\/payments\/gnap\/ https:\S+\/payments\/open$/,
  );
  try {
    const fitting = checks.filter(
      ({ id, profile }) => chosen.some((pattern) => pattern.test(id)) && (profile ?? 'compat') === 'compat',
    );
    const results = await runChecks(fitting, run.contextFor);
    const failures = results.flatMap(({ id, failure }) => (failure ? [`${id}: ${failure.message}`] : []));
    assert.deepEqual(failures, []);
    const passed = results.filter(({ lacks }) => !lacks);
    assert.ok(passed.length > 50, `${passed.length} checks passed`);
    assert.deepEqual([...new Set(results.flatMap(({ lacks }) => lacks ?? []))].sort(), [
      ...['administration', 'back-channel', 'clock', 'consent-modes', 'faults', 'introspection', 'refusal-reasons'],
      'worlds',
    ]);
  } finally {
    await run.close();
  }
});
