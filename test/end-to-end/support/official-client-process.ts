/** The official client as a process of its own: what it trusts is decided when a process starts. */
import { readEnvironment } from '../../support/process.ts';
import { payAcross } from './official-client.ts';

await payAcross(readEnvironment({ env: process.env as Record<string, string> }));
