/**
 * A client as a program: `touchstone grade -- node conformance/clients/main.ts [--broken CL-GNAP-14]`. Without the
 * option it is the good one.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { broken } from './broken/index.ts';
import { runClient } from './run.ts';

const { values } = parseArgs({ options: { broken: { type: 'string' } } });
const {
  TOUCHSTONE_WALLET_ADDRESS: sender,
  TOUCHSTONE_RECEIVER: receiver,
  TOUCHSTONE_CA: authority,
  TOUCHSTONE_OUTCOME: outcomes,
} = process.env;
if (!sender || !receiver) throw new Error('TOUCHSTONE_WALLET_ADDRESS and TOUCHSTONE_RECEIVER are not set');
const change = values.broken === undefined ? undefined : broken[values.broken];
if (values.broken !== undefined && !change) throw new Error(`no broken client for ${values.broken}`);
const reason = await runClient({
  ...{ sender, receiver, change },
  givenKey: process.env['TOUCHSTONE_PRIVATE_KEY'],
  transport: { authority: authority && readFileSync(authority, 'utf8') },
  print: (text) => process.stdout.write(`${text}\n`),
  report: (outcome) => outcomes !== undefined && appendFileSync(outcomes, `${JSON.stringify(outcome)}\n`),
});
if (reason !== undefined) {
  process.stderr.write(`stopped: ${reason}\n`);
  process.exitCode = 1;
}
