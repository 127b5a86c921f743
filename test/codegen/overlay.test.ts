/** OpenAPI Overlay 1.0.0: actions apply, need a reason, must match something and must not loosen a schema. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../codegen/json.ts';
import { selectLocations } from '../../codegen/json-path.ts';
import { applyOverlay } from '../../codegen/overlay.ts';

const known = new Set(['OPI-001']);
const document: JsonObject = {
  paths: {
    '/quotes': {
      post: { operationId: 'create-quote', requestBody: {}, responses: { '201': { description: 'made' } } },
    },
    '/quotes/{id}': { get: { operationId: 'get-quote', responses: { '200': {} } }, parameters: [{ name: 'id' }] },
  },
  components: { schemas: { amount: { required: ['value'], enum: ['a', 'b'], additionalProperties: false } } },
};

const overlay = (action: JsonObject): JsonObject => ({
  overlay: '1.0.0',
  actions: [{ 'x-reason': 'a test', 'x-interpretation': 'OPI-001', ...action }],
});
const apply = (action: JsonObject) => applyOverlay(document, overlay(action), known);
const select = (path: string): Json[] => selectLocations(document, path).map(({ value }) => value);

describe('targets (RFC 9535)', () => {
  test('names, quoted names, wildcards and indexes', () => {
    assert.deepEqual(select('$.components.schemas.amount.required[0]'), ['value']);
    assert.deepEqual(select("$.paths['/quotes/{id}'].parameters[*].name"), ['id']);
    assert.deepEqual(select('$.paths.*.post.operationId'), ['create-quote']);
    assert.deepEqual(select('$.paths.nowhere'), []);
  });

  test('filters by existence and by value', () => {
    assert.deepEqual(select('$.paths.*[?@.requestBody].operationId'), ['create-quote']);
    assert.deepEqual(select("$.paths.*[?@.operationId == 'get-quote'].responses"), [{ '200': {} }]);
    assert.deepEqual(select("$.paths.*[?@['operationId']].operationId"), ['create-quote', 'get-quote']);
  });

  test('unsupported syntax is an error', () => {
    for (const path of ['paths', '$..post', '$.paths[?(@.a)]', '$.paths[1:2]']) assert.throws(() => select(path), path);
  });
});

describe('actions', () => {
  test('update merges objects, appends to arrays and leaves the source alone', () => {
    const before = structuredClone(document);
    const result = apply({ target: '$.paths.*[?@.operationId].responses', update: { '400': { description: 'bad' } } });
    assert.deepEqual(selectLocations(result, "$.paths.*[?@.operationId].responses['400']").length, 2);
    assert.deepEqual(selectLocations(result, "$.paths['/quotes'].post.responses['201'].description")[0]?.value, 'made');
    const appended = apply({ target: '$.components.schemas.amount.required', update: 'assetCode' });
    assert.deepEqual(selectLocations(appended, '$.components.schemas.amount.required')[0]?.value, [
      'value',
      'assetCode',
    ]);
    assert.deepEqual(document, before);
  });

  test('remove deletes the target', () => {
    const result = apply({ target: "$.paths['/quotes'].post.requestBody", remove: true });
    assert.deepEqual(selectLocations(result, '$.paths.*[?@.requestBody]'), []);
  });

  test('an action that matches nothing is an error', () => {
    assert.throws(() => apply({ target: '$.paths.*.patch', update: {} }), /\$\.paths\.\*\.patch matches nothing/);
  });

  test('an action without a reason or a known interpretation is an error', () => {
    const target = '$.components';
    assert.throws(() => apply({ target, update: {}, 'x-reason': '' }), /lacks an x-reason/);
    assert.throws(
      () => apply({ target, update: {}, 'x-interpretation': 'OPI-999' }),
      /an unknown interpretation: OPI-999/,
    );
  });

  test('an action that loosens a schema is an error', () => {
    const schema = '$.components.schemas.amount';
    assert.throws(() => apply({ target: `${schema}.required[0]`, remove: true }), /must not loosen.*amount\/required/);
    assert.throws(() => apply({ target: `${schema}.enum`, remove: true }), /amount\/enum/);
    assert.throws(() => apply({ target: `${schema}.enum`, update: 'c' }), /amount\/enum/);
    assert.throws(() => apply({ target: schema, update: { additionalProperties: true } }), /additionalProperties/);
    assert.throws(() => apply({ target: schema, remove: true }), /must not loosen/);
    const closed = { ...document, components: { schemas: { amount: { additionalProperties: false } } } };
    const moved = applyOverlay(
      closed,
      {
        overlay: '1.0.0',
        actions: [
          { target: schema, update: { unevaluatedProperties: false }, 'x-reason': 'r', 'x-interpretation': 'OPI-001' },
          { target: `${schema}.additionalProperties`, remove: true, 'x-reason': 'r', 'x-interpretation': 'OPI-001' },
        ],
      },
      known,
    );
    assert.deepEqual(selectLocations(moved, schema)[0]?.value, { unevaluatedProperties: false });
  });
});
