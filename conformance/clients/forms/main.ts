/** `touchstone grade -- node conformance/clients/forms/main.ts php`: grades what a client library sends on the wire. */
import { libraries } from './parse.ts';
import { replay } from './replay.ts';

const library = process.argv[2] ?? '';
if (!libraries.includes(library)) throw new Error(`the library is one of: ${libraries.join(', ')}`);
const environment = (name: string): string => {
  const value = process.env[`TOUCHSTONE_${name}`];
  if (value === undefined) throw new Error(`TOUCHSTONE_${name} is not set`);
  return value;
};
const requests = await replay(library, {
  senderAddress: environment('WALLET_ADDRESS'),
  receiverAddress: environment('RECEIVER'),
  client: environment('CLIENT'),
  keyId: environment('KEY_ID'),
  privateKey: environment('PRIVATE_KEY'),
});
for (const { name, status } of requests) console.log(`${status ?? '—'.padEnd(3)} ${name}`);
