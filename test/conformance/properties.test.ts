/** Properties: what is generated, which faults of a server they notice, and how a counter-example is found again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadRequestBody } from '../../conformance/generators/document.ts';
import { everyMutation, invalidValues } from '../../conformance/generators/mutations.ts';
import { validValues } from '../../conformance/generators/valid-values.ts';
import { properties } from '../../conformance/properties/index.ts';
import { NotApplicable } from '../../conformance/runner/capability.ts';
import { type CheckContext, type RandomCases, usualCases } from '../../conformance/runner/check.ts';
import { CounterExample } from '../../conformance/runner/evidence.ts';
import { parseRandom } from '../../conformance/runner/options.ts';
import { readRequirements } from '../../conformance/runner/requirements.ts';
import { type Creation, refuseInvalid, surviveAnything } from '../../conformance/steps/creations.ts';
import { property, type Trial } from '../../conformance/steps/property.ts';
import type { Answer, Json } from '../../conformance/steps/signed-client.ts';
import fc from '../support/fast-check.ts';

const creation = await loadRequestBody('resource-server', 'create-incoming-payment');
const bodies = {
  'create-incoming-payment': creation,
  'create-quote': await loadRequestBody('resource-server', 'create-quote'),
  'create-outgoing-payment': await loadRequestBody('resource-server', 'create-outgoing-payment'),
  'post-request': await loadRequestBody('auth-server', 'post-request'),
  'post-continue': await loadRequestBody('auth-server', 'post-continue'),
};

describe('generated requests', () => {
  for (const [operation, body] of Object.entries(bodies)) {
    test(`the schema of ${operation} accepts valid bodies and refuses the mutated ones`, () => {
      fc.assert(
        fc.property(validValues(body.schema), invalidValues(body, {}), (valid, mutation) => {
          assert.ok(body.validate(valid), JSON.stringify(body.validate.errors));
          assert.ok(!body.validate(mutation.value), JSON.stringify(mutation));
        }),
        { numRuns: 50 },
      );
    });
  }

  test('every keyword of the schemas is broken, at each place', () => {
    const kinds = (operation: keyof typeof bodies): string[] =>
      everyMutation(bodies[operation], {}).map(({ keyword, at }) => `${keyword} ${at}`);
    const payment = kinds('create-incoming-payment');
    for (const kind of [
      'required /walletAddress',
      'format /walletAddress',
      'maxLength /walletAddress',
      'additionalProperties ',
      'required /incomingAmount/assetScale',
      'minimum /incomingAmount/assetScale',
      'maximum /incomingAmount/assetScale',
      'integer /incomingAmount/assetScale',
      'format /incomingAmount/value',
      'format /expiresAt',
      'type null /metadata',
      'type array /metadata',
      'type other /metadata',
    ]) {
      assert.ok(payment.includes(kind), kind);
    }
    const quote = kinds('create-quote');
    for (const kind of ['pattern /receiver', 'enum /method', 'additionalProperties /debitAmount']) {
      assert.ok(quote.includes(kind), kind);
    }
    const grant = kinds('post-request');
    for (const kind of [
      'uniqueItems /access_token/access',
      'maxItems /access_token/access',
      'minItems /subject/sub_ids',
    ]) {
      assert.ok(grant.includes(kind), kind);
    }
  });

  test('a keyword that is not known is an error', () => {
    const document = {};
    assert.throws(
      () => validValues({ node: { type: 'string', contentEncoding: 'base64' }, document }),
      /contentEncoding/,
    );
    assert.throws(() => validValues({ node: { type: 'string', format: 'iri' }, document }), /iri/);
  });
});

/** Runs a trial in a context whose requests are answered by `answer`. @returns why it failed */
async function findFailure<Value>(
  trial: Trial<Value>,
  answer: (body: Json) => Partial<Answer> | Promise<Partial<Answer>> = () => ({ status: 400 }),
  random: RandomCases = usualCases,
): Promise<unknown> {
  const call: CheckContext['call'] = async ({ json }) =>
    ({ status: 200, violation: undefined, ...(await answer(json ?? {})) }) as Answer;
  const check = property({ id: 'tried', rows: [], title: 'a property', prepare: async () => trial });
  return check.run({ call, random } as CheckContext).then(
    () => undefined,
    (error) => error,
  );
}

const counterExampleOf = (failure: unknown): string => {
  assert.ok(failure instanceof CounterExample, String(failure));
  return failure.message;
};

const send: Creation['send'] = ({ call }, { json, raw }) => call({ url: '', json: json ?? raw });

describe('what a property notices', () => {
  const refusing: Creation = { body: creation, pins: {}, send };

  test('a server that refuses everything passes', async () => {
    assert.equal(await findFailure(refuseInvalid(refusing)), undefined);
    assert.equal(await findFailure(surviveAnything(refusing)), undefined);
  });

  test('an invalid request that is accepted', async () => {
    const failure = await findFailure(refuseInvalid(refusing), ({ walletAddress }) => ({
      status: walletAddress ? 400 : 201,
    }));
    assert.match(counterExampleOf(failure), /expected status 400, received 201\n/);
  });

  test('a member of a wrong type alone', async () => {
    const failure = await findFailure(refuseInvalid(refusing), ({ metadata }) => ({
      status: Array.isArray(metadata) ? 201 : 400,
    }));
    assert.match(counterExampleOf(failure), /"keyword":"type array","at":"\/metadata","value":.*"metadata":\[/);
  });

  test('a 5xx, even where the documents declare it', async () => {
    for (const trial of [refuseInvalid(refusing), surviveAnything(refusing)]) {
      assert.match(counterExampleOf(await findFailure(trial as Trial<unknown>, () => ({ status: 500 }))), /5xx.*500/);
    }
  });

  test('an answer that the documents do not allow', async () => {
    const failure = await findFailure(refuseInvalid(refusing), () => ({ status: 400, violation: 'undeclared' }));
    assert.match(counterExampleOf(failure), /^undeclared\n/);
  });

  test('a refused request that changed something', async () => {
    let made = 0;
    const observed = { ...refusing, observe: async () => made };
    assert.equal(await findFailure(refuseInvalid(observed)), undefined);
    const failure = await findFailure(refuseInvalid(observed), () => {
      made += 1;
      return { status: 400 };
    });
    assert.match(counterExampleOf(failure), /a refused request must change nothing/);
  });

  test('an operation that the target does not offer', async () => {
    const trial = {
      values: fc.nat(),
      holds: async () => {
        throw new NotApplicable('clock');
      },
    };
    assert.ok((await findFailure(trial)) instanceof NotApplicable);
  });
});

describe('counter-examples', () => {
  const atMostTen: Trial<number> = {
    values: fc.nat({ max: 100_000 }),
    holds: async (value, { call }) => {
      await call({ url: '', json: value });
      assert.ok(value <= 10, `${value} is too much`);
    },
  };

  test('they shrink, and the answer that was wrong is kept', async () => {
    const failure = await findFailure(atMostTen, (value) => ({ status: 200, text: `answer to ${value}` }));
    assert.match(counterExampleOf(failure), /^11 is too much\ncounter-example .*: 11\n/);
    assert.equal((failure as CounterExample).answer!.text, 'answer to 11');
    assert.match(
      counterExampleOf(await findFailure(atMostTen, undefined, { ...usualCases, shrinks: false })),
      /shrunk 0 times/,
    );
  });

  test('the seed and path that the message names lead back at once', async () => {
    const message = counterExampleOf(await findFailure(atMostTen, undefined, { seed: 7, cases: 50 }));
    const [, only, seed] = /--only '(.*)' --seed (\S+)$/.exec(message)!;
    assert.ok(new RegExp(only!).test('property.tried'));
    const again = counterExampleOf(await findFailure(atMostTen, undefined, parseRandom({ seed })));
    assert.match(again, /^11 is too much\ncounter-example after 1 cases, shrunk 0 times: 11\n/);
  });

  test('without a path for sequences of steps, which depend on the answers', async () => {
    const failure = await findFailure({ ...atMostTen, isStateful: true }, undefined, { seed: 7, cases: 50 });
    assert.match(counterExampleOf(failure), /--seed 7$/);
  });

  test('options that name no seed are errors', () => {
    assert.deepEqual(parseRandom({}), usualCases);
    assert.deepEqual(parseRandom({ seed: '-5/0:12', cases: '7' }), { seed: -5, path: '0:12', cases: 7 });
    assert.notEqual(parseRandom({ seed: 'random' }).seed, parseRandom({ seed: '1' }).seed);
    for (const seed of ['', 'x', '1/', '1/a', '12345678901']) assert.throws(() => parseRandom({ seed }), /--seed/);
    for (const cases of ['0', '-1', '1.5', 'many']) assert.throws(() => parseRandom({ cases }), /--cases/);
  });
});

test('every property has a different id, and names requirements that exist', () => {
  const ids = properties.map(({ id }) => id);
  assert.deepEqual([...new Set(ids)], ids);
  const known = new Set(readRequirements().map(({ id }) => id));
  for (const { id, rows } of properties) {
    assert.match(id, /^property\.[a-z-]+\.[a-z-]+$/);
    assert.ok(rows.length > 0 && rows.every((row) => known.has(row)), id);
  }
});
