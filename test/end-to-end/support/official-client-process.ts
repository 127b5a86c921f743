/** The official client in a separate process, because Node.js reads the authorities to trust when it starts. */
import { readEnvironment } from '../../support/process.ts';
import { payAcross } from './official-client.ts';

await payAcross(readEnvironment({ env: process.env as Record<string, string> }));
