/** Discovery: what a client can know of an authorization server before it asks. RFC 9635 §9. */
import assert from 'node:assert/strict';
import type { Check } from '../../runner/check.ts';
import { discoveryCalls } from '../../steps/discovery.ts';
import { expectGnapError, expectStatus } from '../../steps/expect.ts';
import type { HeaderLine } from '../../steps/http-exchange.ts';

export const checks: readonly Check[] = [
  {
    id: 'discovery.answers',
    rows: ['AS-16', 'AS-104'],
    title:
      'OPTIONS on the grant endpoint and GET …/discovery name the endpoint as published, and redirect as only mode',
    run: async (context) => {
      const { call, profile } = context;
      const { authServer } = context.sender;
      for (const one of Object.values(await discoveryCalls(context))) {
        const { body, headers } = expectStatus(await call({ ...one, sign: false }), 200);
        assert.equal(body.grant_request_endpoint, authServer);
        assert.deepEqual(body.interaction_start_modes_supported, ['redirect']);
        assert.deepEqual(body.interaction_finish_modes_supported, ['redirect']);
        assert.equal(headers.get('access-control-allow-origin'), '*', 'clients in browsers may ask');
        const queried = await call({ ...one, url: `${one.url}?tenant=1`, sign: false });
        // Unknown parameters are ignored or refused (OPI-095).
        if (profile === 'strict') expectGnapError(queried, 400, 'invalid_request');
        else assert.deepEqual(expectStatus(queried, 200).body, body);
      }
    },
  },
  {
    id: 'discovery.preflight',
    rows: ['AS-16'],
    title: 'an OPTIONS that asks for a method is a browser’s preflight, not discovery',
    run: async (context) => {
      const { options } = await discoveryCalls(context);
      const headers: HeaderLine[] = [
        ['origin', 'https://shop.example'],
        ['access-control-request-method', 'POST'],
        ['access-control-request-headers', 'signature, signature-input'],
      ];
      const answer = expectStatus(await context.call({ ...options, operation: null, sign: false, headers }), 204);
      assert.equal(answer.text, '');
      const allowed = (answer.headers.get('access-control-allow-methods') ?? '').split(/, */).sort();
      assert.deepEqual(allowed, ['OPTIONS', 'POST']);
    },
  },
];
