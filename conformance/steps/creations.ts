/** Trials for any operation that takes a JSON body: refused requests change nothing, and none causes a 5xx. */

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { anyCharacter } from '../generators/any-character.ts';
import type { RequestBody } from '../generators/document.ts';
import { everyMutation, invalidValues, type Mutation } from '../generators/mutations.ts';
import { type Pins, validValues } from '../generators/valid-values.ts';
import type { CheckContext } from '../runner/check.ts';
import { expectStatus } from './expect.ts';
import type { Trial } from './property.ts';
import type { Answer, Call, Json } from './signed-client.ts';

export type Content = Pick<Call, 'json' | 'raw' | 'contentType'>;

export interface Creation {
  readonly body: RequestBody;
  readonly pins: Pins;
  readonly send: (context: CheckContext, content: Content) => Promise<Answer>;
  /** Everything that a refused request must leave as it is, as far as the API shows it. */
  readonly observe?: (context: CheckContext) => Promise<Json>;
}

/** A body that the schema refuses is refused with 400, and nothing has changed. */
export function refuseInvalid(creation: Creation): Trial<Mutation> {
  const { body, pins, send } = creation;
  const watch = watchState(creation);
  return {
    values: invalidValues(body, pins),
    examples: everyMutation(body, pins),
    holds: async ({ value }, context) => {
      await watch(context, async () => void expectStatus(await send(context, { json: value }), 400));
    },
  };
}

/** Whatever is sent, the answer is a declared one, and what the schema refuses is refused. */
export function surviveAnything(creation: Creation): Trial<Anything> {
  const { body, pins, send } = creation;
  const watch = watchState(creation);
  return {
    values: anything(validValues(body.schema, pins)),
    share: 2,
    holds: async ({ text, contentType }, context) => {
      if (body.validate(parse(text)) && isJson(contentType)) return;
      await watch(context, async () => {
        const answer = await send(context, { raw: text, contentType });
        assert.ok(answer.status >= 400, `expected a refusal, received ${answer.status}`);
      });
    },
  };
}

interface Anything {
  readonly text: string;
  readonly contentType: string | null;
}

/** Text that need not be JSON, JSON that need not be valid, and media types. */
const anything = (valid: fc.Arbitrary<Json>): fc.Arbitrary<Anything> =>
  fc.record({
    text: fc.oneof(
      fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 }),
      fc.json({ maxDepth: 4, stringUnit: anyCharacter }),
      fc.tuple(valid, fc.nat(), fc.jsonValue({ maxDepth: 2, stringUnit: anyCharacter })).map(replaceMember),
      fc.tuple(valid, fc.nat()).map(([value, end]) => truncate(JSON.stringify(value), end)),
    ),
    contentType: fc.oneof(
      { weight: 8, arbitrary: fc.constant('application/json') },
      fc.constantFrom(
        null,
        'text/plain',
        'application/json; charset=utf-8',
        'APPLICATION/JSON',
        'application/jsonp',
        ',',
      ),
    ),
  });

function replaceMember([value, index, other]: [Json, number, Json]): string {
  const names = Object.keys(value);
  return JSON.stringify({ ...value, [names[index % names.length]!]: other });
}

const truncate = (text: string, end: number): string => text.slice(0, 1 + (end % text.length));

const isJson = (contentType: string | null): boolean => /^application\/json(;|$)/i.test(contentType ?? '');

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs the work and compares what was observed before and after it. */
function watchState({ observe }: Creation) {
  let before: Json;
  return async (context: CheckContext, work: () => Promise<void>): Promise<void> => {
    if (!observe) return work();
    before ??= await observe(context);
    await work();
    const after = await observe(context);
    const expected = before;
    // A case after a failed one is judged for itself.
    before = after;
    assert.deepEqual(after, expected, 'a refused request must change nothing');
  };
}
