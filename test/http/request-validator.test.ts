/** Requests cost little before their signature is checked, however unusual their Content-Type and query are (OPI-083). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import document from '../../generated/resource-server/document.json' with { type: 'json' };
import { requests } from '../../generated/resource-server/validators.js';
import { createRequestValidator, RequestInvalid } from '../../src/http/request-validator.ts';
import { assertGrowsLess } from '../support/attacked-world.ts';

const validate = createRequestValidator({ document, requests, unknownParameters: 'list' });

/** The status with which a quote without members is refused. */
async function refuse(contentType: string, query: Record<string, string> = {}): Promise<number> {
  const request = { operationId: 'create-quote', method: 'POST', path: '/quotes', params: {}, query, body: {} };
  const error = await validate({ ...request, headers: { 'content-type': contentType } }).catch((reason) => reason);
  assert.ok(error instanceof RequestInvalid, error);
  return error.status;
}

/** Milliseconds of CPU time. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('a Content-Type with new parameters compiles nothing, and nothing of it is kept', async () => {
  await refuse('application/json');
  await assertGrowsLess(500_000, async () => {
    for (let index = 0; index < 30; index++) assert.equal(await refuse(`application/json; a=${index}`), 400);
    for (let index = 0; index < 30; index++) assert.equal(await refuse(`text/a${index}; charset=${index}`), 415);
  });
});

test('a header or a target full of parameters takes linear time', async () => {
  const query = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`a${index}`, '']));
  await refuse('application/json', query);
  const ms = await costOf(async () => {
    for (const part of [';', 'a=b;', 'a;'])
      for (let round = 0; round < 5; round++)
        assert.equal(await refuse(`application/json;${part.repeat(15_000 / part.length)}`, query), 400);
  });
  assert.ok(ms < 500, `${ms} ms`);
});
