/**
 * Two deployments that share no database, secret or port scheme: each learns of the other over its control API, and
 * they pay each other over ILP-over-HTTP.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type CallControl, controlOf } from '../support/administration.ts';
import { findFreePort } from '../support/free-port.ts';
import { type RunningProcess, readEnvironment, startProcess } from '../support/process.ts';
import { payAcross } from './support/official-client.ts';

const controlToken = 'control-token-of-a-test';
let granite: RunningProcess;
let marble: RunningProcess;

before(async () => {
  const common = ['--consent', 'auto', '--control-token', controlToken, '--control-port', '0'];
  granite = await startProcess([...common, '--ase', 'granite', '--port', '0', '--log-level', 'error']);
  marble = await startProcess([
    ...common,
    '--ase',
    'marble',
    '--port',
    String(await findFreePort(100)),
    '--log-level',
    'error',
  ]);
});
after(() => Promise.all([granite?.stop(), marble?.stop()]));

const controlApi = ({ ready }: RunningProcess): CallControl =>
  controlOf({ controlUrl: ready.env['TOUCHSTONE_CONTROL']!, controlToken });
const aseOf = ({ ready }: RunningProcess) => ready.ases[0]!;

test('peers of each other by configuration, the official client pays across', async () => {
  const environment = {
    ...readEnvironment(granite.ready),
    receiver: aseOf(marble).walletAddresses.find(({ url }) => url.endsWith('/bob'))!.url,
  };
  await assert.rejects(payAcross(environment), { status: 400, description: 'invalid receiver' });

  const tokens = { toGranite: 'what-marble-shows-to-granite-0001', toMarble: 'what-granite-shows-to-marble-0001' };
  for (const [self, other, incomingToken, outgoingToken] of [
    [granite, marble, tokens.toGranite, tokens.toMarble],
    [marble, granite, tokens.toMarble, tokens.toGranite],
  ] as const) {
    const { name, origin } = aseOf(other);
    const terms = { prefix: `test.${name}`, endpoint: origin, incomingToken, outgoingToken, maxPacketAmount: '250000' };
    const answer = await controlApi(self)('POST', `/ases/${aseOf(self).name}/peers`, { name, ...terms });
    assert.equal(answer.status, 201, answer.text);
    assert.doesNotMatch(answer.text, /shows-to/);
  }

  await payAcross(environment);

  const books = await Promise.all([granite, marble].map((process) => controlApi(process)('GET', '/ledger')));
  for (const { body } of books) assert.equal(body.ases[0].balanced, true);
  const owedBy = (index: number) =>
    books[index]!.body.ases[0].accounts.filter(({ account }: { account: string }) => account.startsWith('peer:')).map(
      ({ account, balance }: { account: string; balance: string }) => [account, BigInt(balance)],
    );
  assert.equal(owedBy(0).length, 1);
  assert.deepEqual(
    owedBy(0).map(([, balance]: [string, bigint]) => balance),
    owedBy(1).map(([, balance]: [string, bigint]) => -balance),
    'what one owes the other is owed',
  );
});

test('a packet of a stranger is refused', async () => {
  const { origin } = aseOf(marble);
  const response = await fetch(`${origin}/ilp/EUR/2`, {
    method: 'POST',
    headers: { authorization: 'Bearer what-nobody-ever-agreed-on-0001', 'content-type': 'application/octet-stream' },
    body: Buffer.alloc(60),
  });
  assert.equal(response.status, 401);
});
