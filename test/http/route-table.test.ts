import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../src/http/operation.ts';
import { createRouteTable } from '../../src/http/route-table.ts';

const route = (method: Route['method'], path: string): Route => ({
  ...{ operationId: `${method} ${path}`, method, path, tags: [], security: [], hasBody: false, responses: [200] },
});

const find = createRouteTable([
  route('GET', '/'),
  route('GET', '/quotes/{id}'),
  route('POST', '/quotes'),
  route('GET', '/interact/{id}/finish'),
  route('GET', '/interact/{id}/{nonce}'),
  route('DELETE', '/quotes/{id}'),
]);

const found = (path: string) => {
  const { routes, methods, params } = find(path)!;
  return { path: routes[0]!.path, methods, params };
};

test('a path has the operations of the first template that fits, with its parameters decoded', () => {
  assert.deepEqual(found('/'), { path: '/', methods: ['GET'], params: {} });
  assert.deepEqual(found('/quotes'), { path: '/quotes', methods: ['POST'], params: {} });
  assert.deepEqual(found('/quotes/a%2Fb'), { path: '/quotes/{id}', methods: ['GET', 'DELETE'], params: { id: 'a/b' } });
  assert.equal(found('/interact/1/finish').path, '/interact/{id}/finish');
  assert.deepEqual(found('/interact/1/2').params, { id: '1', nonce: '2' });
});

test('case matters in parameters only, and a slash at the end not at all', () => {
  assert.deepEqual(found('/Quotes/Ab/'), { path: '/quotes/{id}', methods: ['GET', 'DELETE'], params: { id: 'Ab' } });
});

test('other paths have no operation, and a parameter that cannot be decoded has no value', () => {
  for (const path of ['/quote', '/quotes/1/2', '/interact/1', '/interact', '/%71uotes']) {
    assert.equal(find(path), undefined, path);
  }
  assert.equal(find('/quotes/%zz')!.params, undefined);
});
