/**
 * Prose is stripped, properties named like prose are kept, and the repository contains no upstream prose.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isObject, type Json, type JsonObject } from '../../codegen/json.ts';
import { stripProse } from '../../codegen/prose.ts';
import { parseYaml } from '../../codegen/source.ts';
import auth from '../../generated/auth-server/document.json' with { type: 'json' };
import resource from '../../generated/resource-server/document.json' with { type: 'json' };

const root = join(import.meta.dirname, '../..');
const upstream = join(root, 'node_modules/@interledger/open-payments/dist/openapi/specs');

describe('stripping', () => {
  test('removes descriptions, titles and examples everywhere', () => {
    const prose = { description: 'p', summary: 'p', title: 'p', example: 'p', examples: ['p'] };
    const schema = { ...prose, type: 'object', properties: { a: { ...prose, items: { ...prose, type: 'string' } } } };
    const stripped = stripProse(
      {
        openapi: '3.1.0',
        info: { ...prose, version: '1', contact: { email: 'p' } },
        tags: [{ ...prose, name: 't' }],
        paths: {
          '/': {
            ...prose,
            get: {
              ...prose,
              parameters: [{ ...prose, name: 'n', schema: { ...prose, type: 'string' } }],
              requestBody: { ...prose, content: { 'application/json': { ...prose, schema: { oneOf: [schema] } } } },
              responses: { '200': { ...prose, headers: { Location: { ...prose, schema: prose } } } },
            },
          },
        },
      },
      'name',
    );
    assert.doesNotMatch(JSON.stringify(stripped), /"p"/);
    assert.match(JSON.stringify(stripped), /"200":\{"headers":\{"Location":\{"schema":\{\}\}\},"description":""\}/);
  });

  test('keeps properties named like prose, and data', () => {
    const schema = {
      type: 'object',
      properties: { description: { type: 'string', description: 'p' }, title: { type: 'string' }, examples: true },
      required: ['description'],
      enum: [{ description: 'data' }],
    };
    const { components } = stripProse({ info: {}, components: { schemas: { error: schema } } }, 'name');
    assert.deepEqual((components as JsonObject)['schemas'], {
      error: { ...schema, properties: { ...schema.properties, description: { type: 'string' } } },
    });
  });

  test('the error schemas still have their description', () => {
    assert.deepEqual(resource.components.schemas['error-response'].properties.error.properties.description, {
      type: 'string',
    });
    const errors = Object.entries(auth.components.schemas).filter(([name]) => name.startsWith('error-'));
    assert.equal(errors.length, 6);
    for (const [name, schema] of errors)
      assert.match(JSON.stringify(schema), /"description":\{"type":"string"\}/, name);
  });
});

/** Sentences of at least 60 characters in the prose of a document, each on one line. */
function listSentences(node: Json): string[] {
  if (Array.isArray(node)) return node.flatMap(listSentences);
  if (!isObject(node)) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    typeof value === 'string' && ['description', 'summary', 'title'].includes(key)
      ? flatten(value)
          .split(/(?<=[.!?]) /)
          .filter((sentence) => sentence.length > 60)
      : listSentences(value),
  );
}

/** Normalises text to one line, so that comment marks, Markdown and line breaks cannot hide a copy. */
function flatten(text: string): string {
  return text.replaceAll(/[\s*#>/|\\]+/g, ' ').trim();
}

const findProse = (text: string, sentences: readonly string[]): string[] => {
  const flat = flatten(text);
  return sentences.filter((sentence) => flat.includes(sentence));
};

describe('the repository', { skip: !existsSync(join(root, '.git')) && 'not a git checkout' }, () => {
  const sentences = [
    ...new Set(
      readdirSync(upstream).flatMap((file) =>
        listSentences(parseYaml(readFileSync(join(upstream, file), 'utf8'), file)),
      ),
    ),
  ];

  test('the search finds a planted sentence, even across comment lines', () => {
    assert.ok(sentences.length > 40, `${sentences.length} sentences`);
    const planted = sentences[7]!.split(' ');
    const comment = `code();\n  // ${planted.slice(0, 4).join(' ')}\n  // ${planted.slice(4).join(' ')}\ncode();\n`;
    assert.deepEqual(findProse(comment, sentences), [sentences[7]]);
  });

  test('contains no sentence of the upstream documents', () => {
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    });
    const present = files.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
    assert.ok(present.includes('generated/auth-server/document.json'));
    for (const file of present) {
      assert.deepEqual(findProse(readFileSync(join(root, file), 'utf8'), sentences), [], file);
    }
  });
});
