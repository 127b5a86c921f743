/** Clean-up of grants whose interaction was never finished (RFC 9635 §11, AS-N10). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type PreparedResources, prepareResources } from '../support/prepared-resources.ts';
import { type Answer, send } from '../support/signed-fetch.ts';
import { type ClientEnvironment, clientEnvironment, startWorld, type TestWorld } from '../support/world.ts';

let world: TestWorld;
let environment: ClientEnvironment;
let prepared: PreparedResources;

before(async () => {
  world = await startWorld();
  environment = clientEnvironment(world);
  prepared = await prepareResources(world, environment);
});
after(() => world.close());

const request = (body: object): Promise<Answer> =>
  send(environment, { method: 'POST', url: prepared.auth, body: { client: environment.client, ...body } });
const askForConsent = (): Promise<Answer> =>
  request({
    access_token: { access: [{ type: 'outgoing-payment', actions: ['create'], identifier: prepared.payer }] },
    interact: { start: ['redirect'] },
  });
const states = async (): Promise<string[]> => {
  const rows = await world.db.query.selectFrom('gnap_grant').select(['state', 'finalization']).execute();
  return rows.map(({ state, finalization }) => finalization ?? state).sort();
};

test('grants without a token are deleted a day after their interaction expired; grants with a token stay', async (t) => {
  for (let index = 0; index < 20; index++) assert.equal((await askForConsent()).status, 200);
  const issued = (await states()).filter((state) => state === 'issued');
  assert.ok(issued.length > 0);
  const waiting = (await states()).filter((state) => state === 'pending').length;
  assert.ok(waiting >= 20);

  // Wall time decides when the next clean-up runs, business time which grants are old.
  const wall = Date.now();
  t.mock.timers.enable({ apis: ['Date'], now: wall });
  const later = async (hours: number): Promise<string[]> => {
    await world.controls.changeClock({ action: 'advance', milliseconds: hours * 3_600_000 });
    t.mock.timers.setTime(Date.now() + 11 * 60_000);
    assert.equal((await request({ access_token: { access: [{ type: 'quote', actions: ['read'] }] } })).status, 200);
    return states();
  };
  const { continueUri: url, continueToken: token } = prepared.pending;
  assert.equal((await later(23)).filter((state) => state === 'pending').length, waiting);
  assert.equal((await send(environment, { method: 'POST', url, token })).body.error.code, 'request_denied');
  const left = await later(2);
  assert.deepEqual(left, [...issued, 'issued', 'issued'].sort());
  assert.equal((await send(environment, { method: 'POST', url, token })).body.error.code, 'invalid_continuation');
});
