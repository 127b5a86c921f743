/** Prepares the request of each Dredd transaction, signed and complete, in a running world. */
import { createRun } from '../runner/run.ts';
import { parseTarget } from '../runner/target.ts';
import { loadOperations } from '../runner/validation.ts';
import { findProvocation, specialWorld } from '../steps/declared-answers.ts';
import type { Sent } from '../steps/http-exchange.ts';
import { prepareRequest } from '../steps/signed-client.ts';

export interface Stage {
  /** The request that must bring this answer. Throws if none is known. */
  prepare(operation: string, status: number): Promise<Sent>;
  close(): Promise<void>;
}

/** Opens the world that the `TOUCHSTONE_*` variables name, and beside it the world for special answers. */
export async function openStage(variables: Record<string, string | undefined>): Promise<Stage> {
  const operations = await loadOperations();
  const run = await createRun(parseTarget(variables), operations);
  const { context } = run.contextFor();
  // The checks before may have left as many faults as a world can have.
  await context.control.request('DELETE', '/faults');
  const body = { consent: 'auto', profile: run.profile, definition: specialWorld };
  const world = await context.control.request('POST', '/worlds', body);
  if (world.status !== 201) throw new Error(`POST /worlds answered ${world.status}`);
  const specialRun = await createRun(parseTarget(world.body.env), operations);
  const special = specialRun.contextFor().context;
  return {
    async prepare(operation, status) {
      const { provoke, isSpecial } = findProvocation(operation, status);
      const used = isSpecial ? special : context;
      return prepareRequest(await provoke(used), used.target.identity);
    },
    async close() {
      await context.control.request('DELETE', `/worlds/${world.body.id}`);
      await specialRun.close();
      await run.close();
    },
  };
}
