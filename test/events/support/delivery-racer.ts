/** A delivering process of the race in delivery.race.test.ts: looks when it is told to, or delivers what it is told of. */
import { WorldClock } from '../../../src/clock.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { type Carrier, openCarrier } from '../../../src/events/carrier.ts';
import { createEvents } from '../../../src/events/delivery.ts';
import { createOutbound } from '../../../src/net/outbound.ts';
import { marble } from './one-ase.ts';

const [databaseUrl, url, secret, mode] = process.argv.slice(2) as [string, string, string, 'carried' | 'told'];

const noCarrier: Carrier = {
  send: async () => {},
  receive: async () => {},
  release: async () => {},
  close: async () => {},
};
let ahead = 0;
const clock = new WorldClock(() => Date.now() + ahead);
// What the test stores is due.
clock.setting = { mode: 'frozen', offset: 0, at: Date.parse('2031-01-01T00:00:00Z') };
const db = await openDatabase({ kind: 'postgresql', url: databaseUrl, poolSize: 4 });
const carrier =
  mode === 'carried' ? await openCarrier(db, (problem) => process.send!({ problem: String(problem) })) : noCarrier;
const outbound = createOutbound({
  ...{ allowPrivateAddresses: true, allowHttp: true, timeoutMs: 60_000, maxBytes: 1024, userAgent: 'test' },
});
const events = createEvents({
  ...{ ase: marble, db, clock, outbound },
  webhook: () => ({ url, secret }),
  openCarrier: async () => carrier,
  log: { info: () => {}, warn: (fields) => process.send!({ problem: String(fields['err'] ?? '') }) },
});
await events.idle();

process.on('message', async ({ ahead: given }: { ahead: number }) => {
  ahead = given;
  await events.idle();
  process.send!('looked');
});
process.send!('ready');
