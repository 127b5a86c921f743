/** Compares what clients read during a run with the state after it, over HTTP and in the databases. */
import type { Client } from './client.ts';
import type { Intention } from './clients.ts';
import type { Finding } from './invariants.ts';
import type { ThrowAwayPostgreSql } from './postgresql.ts';
import type { Fleet } from './processes.ts';

export interface WhatWasSeen {
  readonly client: Client;
  readonly postgres: ThrowAwayPostgreSql;
  readonly fleet: Fleet;
  readonly ases: readonly string[];
  readonly intentions: readonly Intention[];
  /** URLs out of 201s. */
  readonly incomingPayments: readonly string[];
  readonly controlToken: string;
}

export async function findUntruths(given: WhatWasSeen): Promise<Finding[]> {
  return [
    await findLostPayments(given),
    await findSurplusPayments(given),
    await findNeedlessFailures(given),
    await findLostReceivers(given),
    await readLedgers(given),
  ];
}

/** Each 201 is an outgoing payment that says the same of itself, and has sent all if it did not fail. */
async function findLostPayments({ client, intentions }: WhatWasSeen): Promise<Finding> {
  const broken: string[] = [];
  for (const { mark, outcome, payment, token } of intentions) {
    if (outcome !== 'created') continue;
    const now = await client.insist({ method: 'GET', url: payment.id, token }).catch(() => undefined);
    const told = (one: typeof payment) =>
      JSON.stringify([one.id, one.quoteId, one.receiver, one.debitAmount, one.receiveAmount, one.metadata]);
    if (!now) broken.push(`${mark}: gone`);
    else if (told(now) !== told(payment)) broken.push(`${mark}: ${told(now)} was ${told(payment)}`);
    else if (!now.failed && now.sentAmount.value === '0') broken.push(`${mark}: neither failed nor sent`);
  }
  return { rule: 'every payment that was confirmed to a client exists as confirmed', broken };
}

/** A refusal leaves nothing behind. */
async function findSurplusPayments({ postgres, ases, intentions }: WhatWasSeen): Promise<Finding> {
  const marks = new Map<string, number>();
  for (const ase of ases) {
    const rows = await postgres.query<{ mark: string }>(
      ase,
      `select metadata ->> 'mark' as mark from outgoing_payment`,
    );
    for (const { mark } of rows) marks.set(mark, (marks.get(mark) ?? 0) + 1);
  }
  const broken = intentions.filter(({ mark, outcome }) => {
    const made = marks.get(mark) ?? 0;
    return outcome === 'created' ? made !== 1 : outcome === 'refused' ? made !== 0 : made > 1;
  });
  return {
    rule: 'an intention became one payment at most, none where it was refused',
    broken: broken.map(({ mark, outcome }) => `${mark}: ${outcome}, and ${marks.get(mark) ?? 0} are there`),
  };
}

/** Processes that die come back, so a payment may only fail for lack of money, or because others paid the same receiver. */
async function findNeedlessFailures({ postgres, ases, intentions }: WhatWasSeen): Promise<Finding> {
  const alone = new Set(intentions.filter(({ kind }) => kind !== 'shared').map(({ mark }) => mark));
  const broken: string[] = [];
  for (const ase of ases) {
    const rows = await postgres.query<{ mark: string; failure: string }>(
      ase,
      `select metadata ->> 'mark' as mark, failure from outgoing_payment
       where state = 'failed' and failure <> 'insufficient_funds'`,
    );
    for (const { mark, failure } of rows) if (alone.has(mark)) broken.push(`${mark}: ${failure}`);
  }
  return { rule: 'no payment failed for an outage', broken };
}

async function findLostReceivers({ client, incomingPayments }: WhatWasSeen): Promise<Finding> {
  const broken: string[] = [];
  for (const url of incomingPayments) {
    const found = await client.insist({ method: 'GET', url }).catch(() => undefined);
    if (found?.receivedAmount === undefined) broken.push(url);
  }
  return { rule: 'every incoming payment that was confirmed to a client exists', broken };
}

/** The trial balance that the ASE itself draws up. */
async function readLedgers({ fleet, ases, controlToken }: WhatWasSeen): Promise<Finding> {
  const broken: string[] = [];
  for (const ase of ases) {
    const url = `${fleet.readyOf(ase)!.env['TOUCHSTONE_CONTROL']}/ledger`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${controlToken}` } });
    const { ases: books } = (await response.json()) as { ases: { name: string; balanced: boolean }[] };
    if (!books.every(({ balanced }) => balanced) || books.length !== 1) broken.push(ase);
  }
  return { rule: 'the control API shows balanced books', broken };
}
