/** Rates from an HTTP service: exact, 15 seconds old at most, and none rather than a wrong one (SET-06). */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { privateRanges } from '../../src/net/addresses.ts';
import { createOutbound, type Outbound } from '../../src/net/outbound.ts';
import { type AskForRate, createRateService } from '../../src/payments/rate-service.ts';
import type { Rate } from '../../src/payments/rates.ts';
import fc from '../support/fast-check.ts';
import { TestClock } from './support/payment-rows.ts';

const USD = { code: 'USD', scale: 2 };
const EUR = { code: 'EUR', scale: 2 };
const settings = { maxBytes: 4096, userAgent: 'test', allowHttp: true };

const asked: string[] = [];
let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => {
  asked.push(request.url!);
  answer(response);
});
let outbound: Outbound;
let clock: TestClock;
let askForRate: AskForRate;
let url: string;

before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  outbound = createOutbound({ ...settings, allowedRanges: privateRanges, timeoutMs: 1000 });
});
beforeEach(() => {
  asked.length = 0;
  clock = new TestClock();
  clock.setting = { mode: 'frozen', offset: 0, at: Date.parse('2030-01-01T00:00:00Z') };
  askForRate = createRateService({ clock, outbound });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rates?tenant=1`;
});
after(() => {
  outbound.close();
  server.closeAllConnections();
  server.close();
});

const say = (text: string, status = 200) => {
  answer = (response) => response.writeHead(status).end(text);
};
const sayRates = (rates: string, base = '"USD"') => say(`{"base":${base},"rates":${rates}}`);
const advance = (milliseconds: number) => {
  clock.setting = { ...clock.setting, at: clock.setting.at + milliseconds };
};
const ask = (to = EUR): Promise<Rate> => askForRate(url, USD, to);
const refused = (to = EUR) => assert.rejects(ask(to), { code: 'no_rate' });

test('a number is read as it is written, beyond what a double holds', async () => {
  for (const [text, numerator, denominator] of [
    ['0.81', 81n, 100n],
    ['1', 1n, 1n],
    ['0.100000000000000000000000000001', 100000000000000000000000000001n, 10n ** 30n],
    ['123456789012345678901234567890', 123456789012345678901234567890n, 1n],
    ['8.1e-1', 81n, 100n],
    ['81E+2', 8100n, 1n],
  ] as const) {
    sayRates(`{"EUR":${text}}`);
    assert.deepEqual(await ask(), { numerator, denominator }, text);
    advance(15_000);
  }
  sayRates('{"JPY":150.5}');
  assert.deepEqual(await ask({ code: 'JPY', scale: 0 }), { numerator: 301n, denominator: 200n }, 'scales count');
});

test('any decimal, exactly', async () => {
  const digits = fc.bigInt({ min: 1n, max: 10n ** 20n });
  await fc.assert(
    fc.asyncProperty(digits, fc.integer({ min: 0, max: 20 }), async (value, places) => {
      const padded = `${value}`.padStart(places + 1, '0');
      sayRates(
        `{"EUR":${padded.slice(0, padded.length - places)}${places > 0 ? '.' : ''}${places > 0 ? padded.slice(-places) : ''}}`,
      );
      const { numerator, denominator } = await ask();
      assert.equal(numerator * 10n ** BigInt(places), value * denominator);
      advance(15_000);
    }),
    { numRuns: 50 },
  );
});

test('it is asked with the base, once in 15 seconds of business time, also by many at once', async () => {
  sayRates('{"EUR":0.81}');
  await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(asked, ['/rates?tenant=1&base=USD']);
  sayRates('{"EUR":0.9}');
  advance(14_999);
  assert.deepEqual(await ask(), { numerator: 81n, denominator: 100n });
  advance(1);
  assert.deepEqual(await ask(), { numerator: 9n, denominator: 10n });
  assert.equal(asked.length, 2);
  advance(-1);
  await ask();
  assert.equal(asked.length, 3, 'a clock that was set back');
});

test('one currency needs no service', async () => {
  assert.deepEqual(await askForRate(url, USD, { code: 'USD', scale: 4 }), { numerator: 100n, denominator: 1n });
  assert.deepEqual(asked, []);
});

test('a value that is not a rate above 0 is refused', async () => {
  for (const rate of [
    '"0.81"',
    '0',
    '0.0',
    '-1',
    '-0.81',
    'null',
    'true',
    '[1]',
    '{"numerator":1}',
    '1e999',
    '1e-100',
  ]) {
    sayRates(`{"EUR":${rate}}`);
    await refused();
    advance(15_000);
  }
  sayRates(`{"EUR":${'9'.repeat(31)}}`);
  await refused();
  advance(15_000);
  sayRates('{"GBP":0.7}');
  await refused();
  for (const code of ['constructor', '__proto__', 'toString']) await refused({ code, scale: 2 });
});

test('an unusable answer gives no rate, and the next call asks again', async () => {
  const bad: (() => void)[] = [
    () => sayRates('{"EUR":NaN}'),
    () => sayRates('{"EUR":Infinity}'),
    () => sayRates('[0.81]'),
    () => sayRates('1'),
    () => sayRates('null'),
    () => sayRates('{"EUR":0.81}', '"EUR"'),
    () => say('{"rates":{"EUR":0.81}}'),
    () => say('null'),
    () => say('7'),
    () => say('rates'),
    () => say(`{"base":"USD","rates":{"EUR":0.81},"more":${'['.repeat(70)}${']'.repeat(70)}}`),
    () => say('{"base":"USD","rates":{"EUR":0.81}}', 404),
    () => say('{"base":"USD","rates":{"EUR":0.81}}', 500),
    () => say(`{"base":"USD","rates":{"EUR":0.81},"more":"${'x'.repeat(5000)}"}`),
    () => {
      answer = (response) => response.socket!.destroy();
    },
    () => {
      answer = (response) => response.writeHead(302, { location: 'http://localhost:1/' }).end();
    },
  ];
  for (const [index, make] of bad.entries()) {
    make();
    await assert.rejects(ask(), { code: 'no_rate' }, `${index}`);
    sayRates('{"EUR":0.81}');
    assert.deepEqual(await ask(), { numerator: 81n, denominator: 100n }, `${index}`);
    advance(15_000);
  }
});

test('a service that hangs gives none, however good its last answer was', async () => {
  sayRates('{"EUR":0.81}');
  await ask();
  advance(15_000);
  answer = () => {};
  await refused();
});

test('an address inside is not asked where that is not allowed', async () => {
  const careful = createOutbound({ ...settings, allowedRanges: [], timeoutMs: 1000 });
  sayRates('{"EUR":0.81}');
  await assert.rejects(createRateService({ clock, outbound: careful })(url, USD, EUR), { code: 'no_rate' });
  assert.deepEqual(asked, []);
  careful.close();
});
