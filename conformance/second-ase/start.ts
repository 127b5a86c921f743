/** Starts the second ASE, with the faults that the arguments name, and prints the command that checks it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newIdentity } from '../runner/run.ts';
import { startSecondAse } from './ase.ts';
import { type FaultName, faultNames } from './faults.ts';

const faults = process.argv.slice(2) as FaultName[];
const unknown = faults.filter((name) => !faultNames.includes(name));
if (unknown.length > 0) {
  console.error(`unknown faults: ${unknown.join(', ')}\nknown: ${faultNames.join(', ')}`);
  process.exit(2);
}
const { jwk, keyId, privateKey } = newIdentity('key-1');
const directory = mkdtempSync(join(tmpdir(), 'second-ase-'));
const keyFile = join(directory, 'key.pem');
writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
const { walletAddress, receiver, client, close } = await startSecondAse({ clientKey: jwk, faults });
console.log(
  `touchstone check --wallet-address ${walletAddress} --receiver ${receiver} --client ${client} ` +
    `--key-id ${keyId} --private-key ${keyFile}`,
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await close();
    rmSync(directory, { recursive: true });
  });
}
