/** Documents other than the locked ones: what differs is said in words; repairs may be unnecessary; faults are named. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { dump } from 'js-yaml';
import { describeDrift } from '../../codegen/drift.ts';
import { loadDocuments } from '../../codegen/generate.ts';
import type { JsonObject } from '../../codegen/json.ts';
import { type GenerationConfig, readSource, upstreamDirectory } from '../../codegen/source.ts';
import { printTypes } from '../../codegen/types.ts';

const root = join(import.meta.dirname, '../..');
const config = JSON.parse(readFileSync(join(root, 'codegen.config.json'), 'utf8')) as GenerationConfig;
const upstream = Object.entries(config.documents).filter((entry) => entry[1].upstream !== undefined);

const directory = mkdtempSync(join(tmpdir(), 'touchstone-drift-'));
after(() => rmSync(directory, { recursive: true }));

type Documents = Record<string, JsonObject>;
const readLocked = (): Documents =>
  Object.fromEntries(
    upstream.map(([name, entry]) => {
      const { document } = readSource(root, name, entry, upstreamDirectory(root, config, undefined), '');
      return [name, document];
    }),
  );

/** Loads the locked documents after a change. */
function load(change: (documents: Documents) => void) {
  const documents = readLocked();
  change(documents);
  for (const [name, entry] of upstream) writeFileSync(join(directory, entry.upstream!), dump(documents[name]));
  return loadDocuments(config, directory);
}

// biome-ignore lint/suspicious/noExplicitAny: a document is navigated by many names.
const at = (document: JsonObject | undefined) => document as any;

/** Version 1.3.2: request bodies are components; a keyword and an operation are removed. */
function changeAsVersion132(documents: Documents): void {
  for (const document of Object.values(documents)) {
    at(document).info.version = '1.3.2';
    for (const { post } of Object.values(at(document).paths) as JsonObject[]) {
      const { requestBody, operationId } = at(post as JsonObject) ?? {};
      const media = requestBody?.content['application/json'];
      if (media === undefined) continue;
      at(document).components.schemas[`${operationId}-body`] = media.schema;
      media.schema = { $ref: `#/components/schemas/${operationId}-body` };
    }
  }
  delete at(documents['resource-server']).components.schemas['public-incoming-payment'].unresolvedProperites;
  delete at(documents['wallet-address-server']).paths['/did.json'];
  delete at(documents['wallet-address-server']).components.schemas['did-document'];
}

describe('version 1.3.2', () => {
  test('is generated; the repair that it does not need is named; the DID document stays', async () => {
    const { documents, warnings } = load(changeAsVersion132);
    assert.deepEqual(warnings, [
      "spec/overlays/resource-server.overlay.yaml: the repair of $.components.schemas['public-incoming-payment'].unresolvedProperites (OPI-007) is not needed any more",
    ]);
    const { documents: current } = loadDocuments(config, undefined);
    for (const [name, document] of current) assert.deepEqual(describeDrift(document, documents.get(name)!), [], name);
    assert.match(await printTypes(documents.get('wallet-address-server')!), /get-wallet-address-did-document/);
  });

  test('differs from the locked version in one operation', () => {
    const [before, after] = [readLocked(), readLocked()];
    changeAsVersion132(after);
    const lines = Object.keys(before).flatMap((name) => describeDrift(before[name]!, after[name]!));
    assert.deepEqual(lines, ['removed operation get-wallet-address-did-document (GET /did.json)']);
  });
});

describe('what differs', () => {
  const differ = (change: (document: ReturnType<typeof at>) => void) => {
    const [before, after] = [readLocked()['resource-server']!, readLocked()['resource-server']!];
    change(at(after));
    return describeDrift(before, after);
  };

  test('operations, parameters and statuses', () => {
    const lines = differ(({ paths }) => {
      paths['/receipts'] = { get: { operationId: 'list-receipts', responses: { 200: { description: '' } } } };
      delete paths['/quotes'].post.responses[403];
      paths['/quotes/{id}'].get.parameters.push({ in: 'query', name: 'verbose', schema: { type: 'boolean' } });
      paths['/outgoing-payments'].get.operationId = 'list-payments-out';
    });
    assert.deepEqual(lines, [
      'removed operation list-outgoing-payments (GET /outgoing-payments)',
      'removed status: create-quote 403',
      'new operation list-payments-out (GET /outgoing-payments)',
      'new query parameter verbose (optional, boolean): get-quote',
      'new operation list-receipts (GET /receipts)',
    ]);
  });

  test('members: renamed, of another type, required, closed; once for all operations that have them', () => {
    const lines = differ(({ components: { schemas } }) => {
      const { properties, required } = schemas.quote;
      properties.sendAmount = properties.debitAmount;
      delete properties.debitAmount;
      required.splice(required.indexOf('debitAmount'), 1, 'sendAmount');
      properties.method = { type: 'integer' };
      properties.createdAt.format = 'date';
    });
    assert.deepEqual(lines, [
      'removed member debitAmount: create-quote 201, get-quote 200',
      'new member sendAmount (required, object): create-quote 201, get-quote 200',
      'changed member method (required, string, enum ["ilp"] → required, integer): create-quote 201, get-quote 200',
      'changed member createdAt (required, string, format "date-time" → required, string, format "date"): create-quote 201, get-quote 200',
    ]);
  });
});

describe('documents that cannot be generated', () => {
  const rejects = (change: (documents: Documents) => void, message: RegExp) =>
    assert.throws(() => load(change), message);

  test('the error names the document and what is wrong', () => {
    const schemas = (documents: Documents) => at(documents['auth-server']).components.schemas;
    const name = String.raw`SPEC_DIR/auth-server\.yaml \(version 1\.3\.0\)`;
    rejects(
      (documents) =>
        Object.assign(schemas(documents).continue, { $ref: './schemas.yaml#/components/schemas/receiver' }),
      new RegExp(`^Error: ${name} refers to another file, \\./schemas\\.yaml.*documents that share schemas`),
    );
    rejects(
      (documents) => Object.assign(schemas(documents), { extra: { $ref: '#/components/schemas/nowhere' } }),
      new RegExp(`^Error: ${name} lacks #/components/schemas/nowhere`),
    );
    rejects(
      (documents) => Object.assign(schemas(documents), { 'interact-request': {} }),
      /^Error: spec\/overlays\/auth-server\.overlay\.yaml: overlay action .*interact-request.* matches nothing/,
    );
    rejects(
      (documents) => Object.assign(documents, { 'auth-server': { openapi: '3.0.3', paths: {} } }),
      /auth-server\.yaml is not an OpenAPI 3\.1 document/,
    );
    rejects(
      (documents) => delete at(documents['auth-server']).paths['/'].post.operationId,
      /^Error: SPEC_DIR\/auth-server\.yaml: post \/ lacks an operationId/,
    );
  });
});
