/** Dredd against servers of which each answers one thing otherwise than its document says. */
import { installDredd, runDredd } from '../../../conformance/dredd/dredd.ts';
import { createRun } from '../../../conformance/runner/run.ts';
import { parseTarget } from '../../../conformance/runner/target.ts';
import { findOperation, loadOperations } from '../../../conformance/runner/validation.ts';
import { listRows, recordAnswers } from './declared.ts';
import type { Kind } from './mutations.ts';
import { rewriteReplies } from './wire.ts';
import { openDeployment, openWorld } from './world.ts';

interface MutatedServer {
  readonly operation: string;
  readonly status: number;
  readonly kind: Kind;
  /** Beginning of the place of the mutation. */
  readonly place: string;
}

const servers: readonly MutatedServer[] = [
  { operation: 'get-quote', status: 200, kind: 'member dropped', place: '/debitAmount' },
  { operation: 'list-incoming-payments', status: 200, kind: 'type changed', place: '/pagination/hasNextPage' },
  { operation: 'get-outgoing-payment', status: 200, kind: 'format broken', place: '/createdAt' },
  { operation: 'post-token', status: 401, kind: 'value not listed', place: '/error/code' },
  { operation: 'get-discovery', status: 200, kind: 'member added', place: '/' },
  { operation: 'create-incoming-payment', status: 201, kind: 'status replaced', place: '400' },
  { operation: 'complete-incoming-payment', status: 409, kind: 'media type replaced', place: 'text/html' },
  { operation: 'get-outgoing-payment-grant', status: 401, kind: 'header dropped', place: 'www-authenticate' },
  { operation: 'get-wallet-address-did-document', status: 405, kind: 'header dropped', place: 'allow' },
  { operation: 'create-quote', status: 415, kind: 'body replaced', place: 'dropped' },
];

export interface DreddOutcome {
  readonly servers: number;
  readonly noticed: number;
  readonly problems: readonly string[];
}

export async function runDreddAgainstMutatedServers(): Promise<DreddOutcome> {
  installDredd();
  const deployment = await openDeployment();
  const operations = await loadOperations();
  const variables = await openWorld(deployment);
  const problems: string[] = [];
  const rows = servers.map(
    ({ operation, status }) =>
      listRows(operations).find((row) => row.operation === operation && row.status === status)!,
  );
  const run = await createRun(parseTarget(variables), operations);
  await recordAnswers(run, rows, { problems });
  await run.close();
  for (const { name, isValid } of await runDredd(variables, rows)) {
    if (!isValid) problems.push(`Dredd refuses ${name} of the good server`);
  }
  let noticed = 0;
  for (const [index, server] of servers.entries()) {
    const { operation, status, kind, place } = server;
    const name = `Dredd, ${operation} ${status}: ${kind}, ${place}`;
    const mutation = rows[index]!.mutations.find((each) => each.kind === kind && each.place.startsWith(place));
    let applied = 0;
    rewriteReplies(({ method, url }) => ({
      rewrite: (reply) => {
        const addressed = findOperation(operations, method!, `http://world${url}`);
        if (reply.status !== status || (addressed ?? operation) !== operation) return reply;
        applied += 1;
        return mutation!.apply(reply);
      },
    }));
    const [result, ...others] = await runDredd(variables, [server]);
    rewriteReplies(() => undefined);
    if (!mutation || applied === 0) problems.push(`${name}: was not applied`);
    else if (!result || others.length > 0) problems.push(`${name}: ${others.length + 1} transactions ran`);
    else if (result.isValid) problems.push(`SURVIVED ${name}`);
    else if (result.status === null) problems.push(`${name}: ${result.problem}`);
    else noticed += 1;
  }
  await deployment.close();
  return { servers: servers.length, noticed, problems };
}
