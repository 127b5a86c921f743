/**
 * `node test/conformance/check-behind-proxy.ts [options of check]`: runs `touchstone check` in another process, against
 * a world whose servers have separate https origins, some below paths, and whose control API it does not know. Exit
 * status: that of the check.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientEnvironment } from '../support/world.ts';
import { startWorldBehindProxy } from '../support/world-behind-proxy.ts';

const { world, authority, close } = await startWorldBehindProxy();
const directory = mkdtempSync(join(tmpdir(), 'behind-proxy-'));
const { walletAddress, receiver, client, keyId, privateKey } = clientEnvironment(world);
const [keyFile, authorityFile] = [join(directory, 'key.pem'), join(directory, 'authority.pem')];
writeFileSync(keyFile, privateKey, { mode: 0o600 });
writeFileSync(authorityFile, authority);
const args = [
  ...['check', '--wallet-address', walletAddress, '--receiver', receiver, '--client', client],
  ...['--key-id', keyId, '--private-key', keyFile, '--ca', authorityFile],
];
process.stdout.write(`touchstone ${args.join(' ')}\n`);
const program = join(import.meta.dirname, '..', '..', 'bin', 'touchstone.mjs');
const child = spawn(process.execPath, [program, ...args, ...process.argv.slice(2)], { stdio: 'inherit' });
const [code] = await once(child, 'exit');
await close();
rmSync(directory, { recursive: true });
process.exitCode = code ?? 2;
