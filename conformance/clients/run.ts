/** Runs one client, good or broken, from the first request to the last. */
import type { Change } from './broken/changes.ts';
import { Client } from './client.ts';
import { type Outcome, Stop } from './message-client.ts';
import { type Addresses, createSteps, payTwice } from './pay.ts';
import type { TransportOptions } from './transport.ts';

export interface ClientRun extends Addresses {
  /** Absent for the good client. */
  readonly change?: Change | undefined;
  readonly transport?: TransportOptions | undefined;
  /** The private key of the world's client, in PEM. */
  readonly givenKey?: string | undefined;
  readonly print?: (text: string) => void;
  readonly report?: ((outcome: Outcome) => void) | undefined;
}

/** Undefined if everything was done, or else why the client stopped. Throws for mistakes of the client. */
export async function runClient({
  change,
  transport,
  givenKey,
  print,
  report,
  ...addresses
}: ClientRun): Promise<string | undefined> {
  const client = await Client.create(transport);
  client.givenKey = givenKey;
  if (print) client.print = print;
  if (report) client.report = report;
  const steps = createSteps(client);
  change?.(client, steps);
  try {
    await payTwice(client, steps, addresses);
    return undefined;
  } catch (error) {
    await client.cancelOpenGrants();
    if (error instanceof Stop) return error.message;
    throw error;
  } finally {
    await client.close();
  }
}
