/** A world that says that it is ready has loaded and compiled everything that the calls of a client need. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { createPayer } from '../support/payer.ts';
import { send } from '../support/signed-fetch.ts';
import { clientEnvironment, startWorld } from '../support/world.ts';

test('a whole payment loads no module and compiles no code', async () => {
  // A module of Node.js comes here each time that it is required, as `pg` does for each connection that the pool opens.
  const early = new Set<string>();
  const late: string[] = [];
  let isReady = false;
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      if (!isReady) early.add(url);
      else if (!early.has(url)) late.push(url);
      return nextLoad(url, context);
    },
  });
  const world = await startWorld();
  isReady = true;
  const environment = clientEnvironment(world);
  const original = globalThis.Function;
  globalThis.Function = new Proxy(original, {
    construct(target, args, newTarget) {
      late.push(String(args.at(-1)).slice(0, 100));
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    const payer = await createPayer(environment);
    const incoming = await payer.receive(environment.receiver, '100');
    const quote = await payer.quote(incoming);
    const payment = await payer.pay(quote.id);
    assert.equal(payment.status, 201);
    await world.settled();
    assert.equal((await payer.read(payment.body.id)).failed, false);
    await payer.spent();
    await payer.complete(await payer.receive(environment.receiver));
    for (const url of [`${environment.client}/jwks.json`, incoming, quote.id, new URL('/unknown', incoming).href]) {
      await send(environment, { method: 'GET', url, signed: false });
    }
  } finally {
    globalThis.Function = original;
    hooks.deregister();
    await world.close();
  }
  assert.deepEqual(late, []);
});
