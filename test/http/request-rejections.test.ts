/** The part of a validator that rejects requests can be loaded before a client needs it. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import document from '../../generated/auth-server/document.json' with { type: 'json' };
import { requests } from '../../generated/auth-server/validators.js';
import { createRequestValidator, loadRejections, RequestInvalid } from '../../src/http/request-validator.ts';

test('loading in advance leaves nothing to load for the first rejection', async () => {
  const validate = createRequestValidator({ document, requests, unknownParameters: 'list' });
  await loadRejections();
  const late: string[] = [];
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      late.push(url);
      return nextLoad(url, context);
    },
  });
  try {
    const request = { operationId: 'post-request', method: 'POST', path: '/', params: {}, query: {}, body: {} };
    await assert.rejects(validate({ ...request, headers: { 'content-type': 'application/json' } }), RequestInvalid);
  } finally {
    hooks.deregister();
  }
  assert.deepEqual(late, []);
});
