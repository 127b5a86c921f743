/** Exposed worlds: features that are refused at start cannot be used, or switched on later (CT-02, CT-06). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkOperator } from '../../src/control/operator.ts';
import { deriveSecret } from '../../src/crypto/derived-keys.ts';
import { matchesDigest } from '../../src/crypto/secret-digest.ts';
import { ConfigError } from '../../src/errors.ts';
import type { EmbeddedWorldOptions as CreateWorldOptions } from '../../src/world/embedded.ts';
import { checkExposure, type ExposureRule, exposureRules, printExposureTable } from '../../src/world/exposure.ts';
import { startWorld } from '../support/world.ts';

const publicUrl = 'https://ase.example';
const rules = Object.keys(exposureRules) as ExposureRule[];

test('each rule is refused and allowed as the table says', () => {
  for (const rule of rules) {
    const check = (host: string, insecure: boolean) =>
      checkExposure({ hosts: ['localhost', host], insecure, uses: { [rule]: true } });
    for (const host of ['127.0.0.1', '::1', '[::1]', 'a.localhost']) check(host, false);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'ase.example', '127.0.0.1.example']) {
      for (const insecure of [false, true]) {
        if (exposureRules[rule][insecure ? 'insecure' : 'exposed']) check(host, insecure);
        else
          assert.throws(
            () => check(host, insecure),
            (error: Error) => error.message.includes(`${exposureRules[rule].feature} on ${host}`),
          );
      }
    }
  }
});

test('a feature that is not in use is still not allowed later', () => {
  const exposed = checkExposure({ hosts: ['0.0.0.0'], insecure: false, uses: {} });
  for (const rule of rules) assert.equal(exposed.allows(rule), exposureRules[rule].exposed, rule);
  const local = checkExposure({ hosts: ['localhost'], insecure: false, uses: {} });
  for (const rule of rules) assert.equal(local.allows(rule), true, rule);
});

test('docs/exposure.md comes from the table', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'exposure.md'), 'utf8');
  const table = /<!-- exposure -->\n([\s\S]*?)\n<!-- \/exposure -->/.exec(page)?.[1];
  assert.equal(table, printExposureTable(), 'put the output of printExposureTable() into docs/exposure.md');
});

const refused: Record<string, CreateWorldOptions> = {
  'consent pages without --sign-in': { publicUrl, consent: 'manual' },
  '--consent auto or deny': { publicUrl, consent: 'deny', signIn: true },
  'an http public URL': { publicUrl: 'http://ase.example', consent: 'manual', signIn: true },
  'the control API without TLS': { controlHost: '0.0.0.0', consent: 'manual', signIn: true },
  'a control token or peer secret of fewer than 16 characters': {
    publicUrl,
    consent: 'manual',
    signIn: true,
    controlToken: 'control-token',
  },
  'a --seed of fewer than 16 characters': { publicUrl, insecure: true, seed: 'short' },
  '--control-token is empty': { controlToken: '' },
  '--control-token is too short': { controlToken: 'abc' },
  '--peer-secret is empty': { peerSecret: '' },
  '--peer-secret is too short': { peerSecret: 'abc' },
  '--seed is empty': { seed: '' },
};

for (const [message, options] of Object.entries(refused)) {
  test(`a world does not start: ${message}`, async () => {
    await assert.rejects(
      startWorld(options),
      (error) => error instanceof ConfigError && error.message.includes(message),
    );
  });
}

test('the control API cannot make an exposed world consent, neither here nor through the database', async () => {
  await using world = await startWorld({ publicUrl, consent: 'manual', signIn: true });
  const post = (path: string, body: unknown) =>
    fetch(world.controlUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.controlToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  for (const mode of ['auto', 'deny']) assert.equal((await post('/consent', { mode })).status, 403, mode);
  assert.equal((await post('/consent', { mode: 'manual' })).status, 200);
  await world.db.query.updateTable('world').set({ consent: 'auto' }).execute();
  await world.refresh();
  assert.equal(world.controls.consent(), 'manual');
});

test('an additional world follows the same rules', async () => {
  await using world = await startWorld({ publicUrl, consent: 'manual', signIn: true });
  const response = await fetch(`${world.controlUrl}/worlds`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.controlToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ seed: 'a seed that is long enough' }),
  });
  // It publishes loopback origins only, so that other machines cannot use it.
  assert.equal(response.status, 201);
});

test('an empty secret authenticates nothing', () => {
  assert.equal(matchesDigest('', 'uDSoAg'), false);
  const hosts = ['localhost:1'];
  for (const authorization of ['', 'Bearer ', 'Bearer x']) {
    assert.throws(() => checkOperator({ host: hosts[0]!, authorization }, '', hosts), /unauthorized/);
  }
  assert.throws(() => deriveSecret([''], 'x'), /too short/);
});
