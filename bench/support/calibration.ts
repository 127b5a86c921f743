/** A fixed piece of work without network and database, which tells how fast a machine is. */
import { generateKeyPairSync, hash, sign, verify } from 'node:crypto';

const ROUNDS = 2_000;

/** CPU milliseconds for 1,000 rounds of one Ed25519 verification, one SHA-512 of 1 KiB and one JSON document. */
export function calibrate(): number {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const data = Buffer.alloc(1024, 'x');
  const signature = sign(null, data, privateKey);
  const document = JSON.stringify({ members: Array.from({ length: 20 }, (_, index) => ({ index, text: 'text' })) });
  const round = (): void => {
    if (!verify(null, data, publicKey, signature)) throw new Error('the signature does not verify');
    hash('sha512', data, 'base64');
    JSON.stringify(JSON.parse(document));
  };
  for (let i = 0; i < ROUNDS / 10; i += 1) round();
  const before = process.cpuUsage();
  for (let i = 0; i < ROUNDS; i += 1) round();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (ROUNDS / 1000);
}
