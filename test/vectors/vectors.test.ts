/**
 * The vectors in `conformance/vectors`, each judged by two implementations that share no code: the program, and a second
 * one that is written for this purpose (`second/`, and the codecs of the conformance checks).
 */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { decodePrepare, decodeReply, encodePrepare, encodeReply } from '../../conformance/steps/ilp-packet.ts';
import {
  decodeStreamPacket,
  encodeStreamPacket,
  fulfillmentOf,
  sha256,
  unseal,
} from '../../conformance/steps/stream-packet.ts';
import amounts from '../../conformance/vectors/amounts.json' with { type: 'json' };
import digests from '../../conformance/vectors/digests.json' with { type: 'json' };
import hashes from '../../conformance/vectors/finish-hashes.json' with { type: 'json' };
import intervals from '../../conformance/vectors/intervals.json' with { type: 'json' };
import signatures from '../../conformance/vectors/signatures.json' with { type: 'json' };
import stream from '../../conformance/vectors/stream.json' with { type: 'json' };
import walletAddresses from '../../conformance/vectors/wallet-addresses.json' with { type: 'json' };
import { printVectors } from '../../src/cli/vectors.ts';
import { parseAmount } from '../../src/open-payments/amount.ts';
import { createInteractionHash } from '../../src/open-payments/interaction-hash.ts';
import { intervalContaining, isInterval, parseInterval } from '../../src/open-payments/interval.ts';
import { parseWalletAddress } from '../../src/open-payments/wallet-address-url.ts';
import { createCredentials, resolveAddress } from '../../src/payments/ilp/credentials.ts';
import { parsePrepare } from '../../src/payments/ilp/ilp-reply.ts';
import { decryptStreamData, fulfillmentFor, parseStreamPacket } from '../../src/payments/ilp/stream-packet.ts';
import { readPacketAnswer } from '../../src/payments/ilp/stream-sender.ts';
import { quoteFixedReceive, quoteFixedSend } from '../../src/payments/quote-amounts.ts';
import { rateBetween } from '../../src/payments/rates.ts';
import { finishHash } from './second/finish-hash.ts';
import { periodAt, readInterval } from './second/interval.ts';
import { computeQuote, isAmount } from './second/quote.ts';
import { hasRightDigest, isAccepted } from './second/signature.ts';
import { canonicalize } from './second/wallet-address.ts';

const directory = join(import.meta.dirname, '../../conformance/vectors');

describe('each file is valid by its schema, and its ids are unique', () => {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false });
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
    test(file, () => {
      const content = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      assert.equal(content.$schema, `./schemas/${file.replace('.json', '.schema.json')}`);
      const schema = JSON.parse(readFileSync(join(directory, content.$schema), 'utf8'));
      assert.ok(ajv.validate(schema, content), ajv.errorsText());
      assert.equal(ajv.validate(schema, {}), false);
      const ids = [...JSON.stringify(content).matchAll(/"(?:id|name)":"([^"]+)"/g)].map((match) => match[1]);
      assert.deepEqual(
        ids.filter((id, index) => ids.indexOf(id) !== index),
        [],
      );
    });
  }
});

test('the second implementations import nothing of the program', (t) => {
  const root = join(import.meta.dirname, '../..');
  const seen = new Set(readdirSync(join(import.meta.dirname, 'second')).map((name) => `test/vectors/second/${name}`));
  for (const file of ['ilp-packet.ts', 'stream-packet.ts']) seen.add(`conformance/steps/${file}`);
  for (const file of seen) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/\b(?:from |import\()'([^']+)'/g)) {
      if (target.startsWith('.')) seen.add(relative(root, join(root, dirname(file), target)));
      else assert.match(target, /^node:/, file);
    }
  }
  t.diagnostic(`they are ${[...seen].join(', ')}`);
  assert.deepEqual(
    [...seen].filter((file) => file.startsWith('src/')),
    [],
  );
});

test('touchstone vectors prints each file and its contents', (t) => {
  const write = t.mock.method(process.stdout, 'write', () => true);
  printVectors();
  const printed = write.mock.calls.map(({ arguments: [text] }) => `${text}`);
  write.mock.restore();
  assert.deepEqual(
    printed.map((text) => text.split('\n')[0]),
    readdirSync(directory).flatMap((name) => (name.endsWith('.json') ? [join(directory, name)] : [])),
  );
  assert.ok(printed[0]!.endsWith(`\n  ${amounts.about}\n`));
});

describe('finish hashes (RFC 9635 §4.2.3)', () => {
  for (const { id, hash, ...vector } of hashes.valid) {
    test(id, () => {
      assert.equal(createInteractionHash(vector, 'base64'), hash.base64);
      assert.equal(createInteractionHash(vector, 'base64url'), hash.base64url);
      for (const encoding of ['base64', 'base64-unpadded', 'base64url'] as const)
        assert.equal(finishHash(vector, encoding), hash[encoding]);
    });
  }
  for (const { id, hash, ...vector } of hashes.invalid) {
    test(`refused: ${id}`, () => {
      for (const encoding of ['base64', 'base64url'] as const)
        assert.notEqual(createInteractionHash(vector, encoding), hash[encoding]);
      for (const encoding of ['base64', 'base64-unpadded', 'base64url'] as const)
        assert.notEqual(finishHash(vector, encoding), hash[encoding]);
    });
  }
});

describe('intervals', () => {
  const toText = (period: { start: number; end: number } | undefined) =>
    period === undefined
      ? null
      : { start: new Date(period.start).toISOString(), end: new Date(period.end).toISOString() };
  for (const { id, interval, at } of intervals.valid) {
    test(id, () => {
      for (const { instant, period } of at) {
        assert.deepEqual(toText(intervalContaining(parseInterval(interval), Date.parse(instant))), period, instant);
        assert.deepEqual(toText(periodAt(readInterval(interval), Date.parse(instant))), period, instant);
      }
    });
  }
  for (const { id, interval } of intervals.invalid) {
    test(`refused: ${id}`, () => {
      assert.equal(isInterval(interval), false);
      assert.throws(() => readInterval(interval));
    });
  }
});

describe('wallet addresses', () => {
  for (const { url, canonical } of walletAddresses.valid) {
    test(url, () => {
      assert.equal(parseWalletAddress(url), canonical);
      assert.equal(canonicalize(url), canonical);
      assert.equal(canonicalize(canonical), canonical);
    });
  }
  test('refused', () => {
    for (const text of walletAddresses.invalid) {
      assert.equal(parseWalletAddress(text), undefined, text);
      assert.equal(canonicalize(text), undefined, text);
    }
  });
});

describe('amounts and quotes', () => {
  test('amounts', () => {
    const isParsed = (value: string) => {
      try {
        return `${parseAmount({ value, assetCode: 'USD', assetScale: 2 }).value}` === value;
      } catch {
        return false;
      }
    };
    for (const isKnown of [isParsed, isAmount]) {
      assert.deepEqual(
        amounts.amounts.valid.filter((value) => !isKnown(value)),
        [],
      );
      assert.deepEqual(amounts.amounts.invalid.filter(isKnown), []);
    }
  });

  /** The program's quote in the form of a vector. */
  function quote({ kind, debitAsset, receiveAsset, fee, amount }: (typeof amounts.quotes)[number]) {
    try {
      const rate = rateBetween(amounts.prices, debitAsset, receiveAsset);
      const terms = { debitAsset, rate, fee: { basisPoints: fee.basisPoints, fixed: BigInt(fee.fixed) } };
      const {
        debitAmount,
        fee: charged,
        receiveAmount,
      } = kind === 'fixed-send'
        ? quoteFixedSend({ ...terms, debitAmount: BigInt(amount) })
        : quoteFixedReceive({ ...terms, receiveAmount: BigInt(amount) });
      return { quote: { debitAmount: `${debitAmount}`, fee: `${charged}`, receiveAmount: `${receiveAmount}` } };
    } catch (error) {
      const { code, details } = error as { code: string; details?: { minSendAmount?: { value: string } } };
      const minimum = details?.minSendAmount?.value;
      return { error: code, ...(minimum !== undefined && { minSendAmount: minimum }) };
    }
  }

  for (const vector of amounts.quotes) {
    test(vector.id, () => {
      const { id, kind, debitAsset, receiveAsset, fee, amount, ...expected } = vector;
      assert.deepEqual(quote(vector), expected);
      assert.deepEqual(computeQuote(vector, amounts.prices), expected);
    });
  }
});

describe('STREAM and ILP packets', () => {
  const bytes = (hex: string) => Buffer.from(hex, 'hex');
  const secret = bytes(stream.sharedSecret);

  for (const packet of stream.packets) {
    test(packet.id, () => {
      const sealed = bytes(packet.sealed);
      if (packet.stream !== undefined) {
        const plain = decryptStreamData(secret, sealed)!;
        assert.deepEqual([plain, unseal(secret, sealed)], [bytes(packet.stream), bytes(packet.stream)]);
        const [mine, second] = [parseStreamPacket(plain)!, decodeStreamPacket(plain)];
        assert.deepEqual([`${mine.sequence}`, `${second.sequence}`], [packet.sequence, packet.sequence]);
        const amount = packet.amount ?? packet.received;
        assert.deepEqual([`${mine.prepareAmount}`, `${second.prepareAmount}`], [amount, amount]);
        assert.equal(mine.outstanding?.toString(), packet.outstanding);
        assert.deepEqual(encodeStreamPacket(second), plain);
      }
      if (packet.kind !== 'prepare') {
        const reply = decodeReply(bytes(packet.bytes));
        const { kind, data, ...members } = reply;
        assert.deepEqual([kind, data], [packet.kind, sealed]);
        if (reply.kind === 'reject') {
          assert.deepEqual(members, { code: packet.code, triggeredBy: packet.triggeredBy, message: packet.message });
          const { kind: answer, ...read } = readPacketAnswer(bytes(packet.bytes), '', 1000n) as unknown as Record<
            string,
            unknown
          >;
          const largest = packet.id === 'too-large' ? { largestAmount: 300n } : {};
          assert.deepEqual([answer, read], ['rejected', { ...members, ...largest }]);
        } else {
          const condition = sha256(bytes(packet.fulfillment!)).toString('base64url');
          assert.deepEqual(readPacketAnswer(bytes(packet.bytes), condition, 1n), { kind: 'fulfilled' });
          assert.deepEqual(reply.fulfillment, bytes(packet.fulfillment!));
        }
        assert.deepEqual(encodeReply(reply), bytes(packet.bytes));
        return;
      }
      const [mine, second] = [parsePrepare(bytes(packet.bytes))!, decodePrepare(bytes(packet.bytes))];
      const expected = [packet.amount, packet.expiresAt, packet.destination, packet.condition, packet.sealed];
      const { amount, expiresAt, destination, executionCondition, data } = mine;
      assert.deepEqual(
        [amount, expiresAt.toISOString(), destination, executionCondition.toString('hex'), data.toString('hex')],
        expected,
      );
      assert.deepEqual(
        [
          `${second.amount}`,
          second.expiresAt.toISOString(),
          second.destination,
          second.condition.toString('hex'),
          second.data.toString('hex'),
        ],
        expected,
      );
      assert.deepEqual(encodePrepare(second), bytes(packet.bytes));
      const fulfillment = bytes(packet.fulfillment!);
      assert.deepEqual([fulfillmentFor(secret, sealed), fulfillmentOf(secret, sealed)], [fulfillment, fulfillment]);
      assert.deepEqual(sha256(fulfillment), bytes(packet.condition!));
    });
  }

  test('refused', () => {
    for (const { id, bytes: hex } of stream.invalidPrepares) {
      assert.equal(parsePrepare(bytes(hex)), undefined, id);
      assert.throws(() => assert.deepEqual(encodePrepare(decodePrepare(bytes(hex))), bytes(hex)), id);
    }
    for (const { id, sealed } of stream.invalidSealed) {
      assert.equal(decryptStreamData(secret, bytes(sealed)), undefined, id);
      assert.throws(() => unseal(secret, bytes(sealed)), id);
    }
  });

  test('credentials', () => {
    const { serverSecrets, prefix, valid, invalid } = stream.credentials;
    for (const { incomingPaymentId, ilpAddress, sharedSecret } of valid) {
      const created = createCredentials(serverSecrets, prefix, incomingPaymentId);
      assert.deepEqual([created.ilpAddress, created.sharedSecret.toString('base64url')], [ilpAddress, sharedSecret]);
      for (const connection of ['', 'payment']) {
        const address = connection === '' ? ilpAddress : `${ilpAddress}.${connection}`;
        const resolved = resolveAddress(serverSecrets, prefix, address);
        assert.deepEqual(resolved, {
          incomingPaymentId,
          connection,
          sharedSecret: Buffer.from(sharedSecret, 'base64url'),
        });
      }
    }
    for (const { id, ilpAddress } of invalid)
      assert.equal(resolveAddress(serverSecrets, prefix, ilpAddress), undefined, id);
  });
});

// The program's verdicts are tested in test/http/signatures/vectors.test.ts.
describe('signatures and digests by the second implementation', () => {
  const key = createPublicKey({ key: signatures.keys['test-key-ed25519'], format: 'jwk' });
  for (const { id, request, now, strict, ...vector } of signatures.vectors) {
    test(id, () => {
      const required = 'required' in vector ? vector.required : undefined;
      assert.equal(isAccepted(request, key, now, required), strict === 'ok');
    });
  }
  test('digests', () => {
    for (const { name, body, strict, ...vector } of digests.vectors) {
      const field = ('field' in vector ? (vector.field ?? []) : []).join(', ');
      const isRight = field === '' ? body === '' : hasRightDigest(field, Buffer.from(body));
      assert.equal(isRight, strict === 'ok', name);
    }
  });
});
