/** The control port before the world is ready. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { listen } from '../../src/net/listener.ts';
import { serveControl } from '../../src/world/control-listener.ts';
import { createMetrics } from '../../src/world/metrics.ts';

test('the control port answers 503 in JSON until the world is ready', async () => {
  const metrics = createMetrics(() => Promise.reject(new Error('no database')));
  const listener = await listen('127.0.0.1', 0);
  try {
    const log = pino({ level: 'silent' });
    serveControl({ listener, host: '127.0.0.1', isSecure: false, worlds: new Map(), metrics, log });
    const response = await fetch(`http://127.0.0.1:${listener.port}/ases/granite/peers`);
    const { error } = (await response.json()) as { error: { code: string } };
    assert.deepEqual([response.status, error.code, response.headers.get('retry-after')], [503, 'not_ready', '1']);
  } finally {
    metrics.close();
    await listener.close(0);
  }
});
