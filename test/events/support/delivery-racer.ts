/** A delivering process of delivery.race.test.ts: delivers what is due to the webhook that each message names. */
import { WorldClock } from '../../../src/clock.ts';
import { openDatabase } from '../../../src/database/database.ts';
import { createEvents, type Webhook } from '../../../src/events/delivery.ts';
import { privateRanges } from '../../../src/net/addresses.ts';
import { createOutbound } from '../../../src/net/outbound.ts';
import { marble } from './one-ase.ts';

const [databaseUrl] = process.argv.slice(2) as [string];

let ahead = 0;
let webhook: Webhook | undefined;
const clock = new WorldClock(() => Date.now() + ahead);
// Later than everything that the test stores.
clock.setting = { mode: 'frozen', offset: 0, at: Date.parse('2031-01-01T00:00:00Z') };
const db = await openDatabase({ kind: 'postgresql', url: databaseUrl, poolSize: 4 });
const outbound = createOutbound({
  ...{ allowedRanges: privateRanges, allowHttp: true, timeoutMs: 60_000, maxBytes: 1024, userAgent: 'test' },
});
const events = createEvents({
  ...{ ase: marble, db, clock, outbound },
  webhook: () => webhook,
  log: { info: () => {}, warn: (fields) => process.send!({ problem: String(fields['err'] ?? '') }) },
});

process.on('message', async (message: { ahead: number; webhook: Webhook }) => {
  ({ ahead, webhook } = message);
  await events.idle();
  process.send!('looked');
});
process.send!('ready');
