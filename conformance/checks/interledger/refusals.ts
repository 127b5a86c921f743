/**
 * The receiver of STREAM packets against a hostile peer: packets that are wrong, late, too large or addressed
 * elsewhere, and bytes that are not a packet. None is ever credited. ILP-0015, ILP-0027, ILP-0029, ILP-0035.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Check } from '../../runner/check.ts';
import { decodePrepare, encodeUint } from '../../steps/ilp-packet.ts';
import { credentialsOf, expectReject, outcomeOf, withIncomingPackets } from '../../steps/incoming-packets.ts';
import { octetStream } from '../../steps/peer-ase.ts';
import { createIncomingPayment } from '../../steps/scenarios.ts';
import { seal, streamType } from '../../steps/stream-packet.ts';

export const checks: readonly Check[] = [
  {
    id: 'interledger.address',
    rows: ['ILP-01', 'ILP-15', 'ILP-18'],
    title: 'a packet to another address is F02, one to an unreadable token F06',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        const { ilpAddress } = credentials;
        const end = ilpAddress.lastIndexOf('.');
        const [own, token] = [ilpAddress.slice(0, end), ilpAddress.slice(end + 1)];
        const give = (destination: string) => peer.send(credentials, { amount: 10n, destination });
        for (const other of ['test.nowhere.abc', `${own}x.${token}`, `g.${token}`, peer.prefix]) {
          expectReject(await give(other), 'F02', credentials);
        }
        const flipped = [0, 5, Math.floor(token.length / 2), token.length - 2].map(
          (at) => token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1),
        );
        const unreadable = [...flipped, `${token}A`, token.slice(1), `~${token}`, 'x', '~'.repeat(40)];
        for (const wrong of unreadable) expectReject(await give(`${own}.${wrong}`), 'F06', credentials);
        expectReject(await give(own), /^F0[26]$/, credentials);
        // An address outside the grammar makes the packet invalid.
        for (const wrong of [`${own}..${token}`, `${own}.${token}.`, `${own}.${token}!`, `.${token}`, 'test', '']) {
          const { status } = await peer.post(peer.prepare(credentials, { amount: 10n, destination: wrong }));
          assert.equal(status, 400, `"${wrong.replace(token, '…')}" is not an address`);
        }
        for (const at of [0, own.length + 1, ilpAddress.length - 1]) {
          const packet = peer.prepare(credentials, { amount: 10n });
          packet[packet.indexOf(ilpAddress) + at]! |= 0x80;
          assert.equal((await peer.post(packet)).status, 400, 'an address is ASCII, with eight bits to a byte');
        }
        assert.equal(await received(), 0n);
        assert.equal(outcomeOf(await give(`${ilpAddress}.anything~below_it`)), 'fulfill', 'the rest is the sender’s');
      });
    },
  },
  {
    id: 'interledger.secrecy',
    rows: ['ILP-01', 'ILP-03', 'RS-IP-35', 'ILP-16'],
    title:
      'data sealed with another secret, modified or in plain text is F06; money goes to the payment of its address',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        const other = await createIncomingPayment(context, { value: '1000' });
        const { ilpAddress } = credentialsOf(other);
        const sealed = decodePrepare(peer.prepare(credentials)).data;
        const changed = [0, 11, 12, 27, 28, sealed.length - 1].map((at) => {
          const data = Buffer.from(sealed);
          data[at]! ^= 1;
          return data;
        });
        const clear = [Buffer.alloc(0), randomBytes(27), randomBytes(28), randomBytes(100), Buffer.from('{}')];
        for (const data of [...changed, ...clear]) {
          expectReject(await peer.send(credentials, { amount: 10n, data }), 'F06', credentials);
        }
        const crossed = await peer.post(peer.prepare(credentials, { amount: 10n, destination: ilpAddress }));
        assert.match(crossed.bytes.toString('latin1'), /F06/, 'the secret of one payment opens no other');
        const elsewhere = { ilpAddress, sharedSecret: credentialsOf(other).sharedSecret };
        assert.equal(outcomeOf(await peer.send(elsewhere, { amount: 10n })), 'fulfill');
        assert.deepEqual([await received(), await received(other)], [0n, 10n], 'to the other payment, not to this one');
        const unread = await peer.send(credentials, { amount: 10n, data: seal(randomBytes(32), sealed) });
        expectReject(unread, 'F06', credentials);
      });
    },
  },
  {
    id: 'interledger.no-stream-prepare',
    rows: ['ILP-04', 'ILP-18'],
    title: 'data that is not a STREAM prepare gets a final reject, however it is broken',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        for (const type of [streamType.fulfill, streamType.reject, 0, 255]) {
          const answer = await peer.send(credentials, { amount: 10n, streamType: type });
          expectReject(answer, 'F00', credentials);
        }
        const start = [Buffer.of(1, streamType.prepare), encodeUint(1), encodeUint(0)];
        for (const plain of [
          Buffer.alloc(0),
          Buffer.of(1),
          Buffer.of(2, streamType.prepare, 1, 1, 1, 0, 1, 0),
          Buffer.concat([...start, encodeUint(3), Buffer.of(0x11, 2, 1)]),
          Buffer.concat([...start, encodeUint(2n ** 64n - 1n)]),
          Buffer.concat([...start, Buffer.of(0x88)]),
          Buffer.from('not a packet at all'),
        ]) {
          expectReject(await peer.send(credentials, { amount: 10n, plain }), 'F00', credentials);
        }
        assert.equal(await received(), 0n);
        const padded = Buffer.concat([...start, encodeUint(0), Buffer.alloc(64)]);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 10n, plain: padded })), 'fulfill', 'padding');
      });
    },
  },
  {
    id: 'interledger.asset',
    rows: ['ILP-05', 'ILP-18'],
    title: 'a packet in another asset than the receiver’s is refused, and its amount is not taken for the other',
    run: async (context) => {
      const { assetCode, assetScale } = context.receiver;
      for (const asset of [
        { assetCode: 'XTS', assetScale },
        { assetCode, assetScale: assetScale + 1 },
      ]) {
        await withIncomingPackets(context, { value: 1000n, asset }, async ({ peer, credentials, received }) => {
          expectReject(await peer.send(credentials, { amount: 10n }), /^F/, credentials);
          assert.equal(await received(), 0n);
          assert.equal(await peer.balance(asset), 0n);
        });
      }
    },
  },
  {
    id: 'interledger.expired',
    rows: ['ILP-17', 'ILP-18'],
    title: 'a packet that has expired is R00, whatever else is wrong with it, and is never credited later',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        const past = [1, 1000, 86_400_000].map((ms) => new Date(Date.now() - ms));
        for (const expiresAt of [...past, new Date('2000-01-01T00:00:00.000Z')]) {
          const packet = peer.prepare(credentials, { amount: 10n, expiresAt });
          for (const _ of [1, 2]) expectReject(await peer.give(credentials, packet), 'R00', credentials);
          expectReject(await peer.send(credentials, { amount: 0n, expiresAt }), 'R00', credentials);
        }
        const [expiresAt] = past;
        const wrong = { amount: 10n, expiresAt: expiresAt!, data: randomBytes(60) };
        expectReject(await peer.send(credentials, wrong), 'R00', credentials);
        assert.equal(await received(), 0n);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 10n })), 'fulfill');
      });
    },
  },
  {
    id: 'interledger.limits',
    rows: ['ILP-17', 'ILP-18'],
    title: 'amounts over a peer’s limits are refused and not credited; changed limits do not undo earlier answers',
    run: async (context) => {
      const terms = { maxPacketAmount: 100n, balanceLimit: 150n };
      await withIncomingPackets(context, terms, async ({ peer, credentials, received }) => {
        const large = await peer.send(credentials, { amount: 101n });
        expectReject(large, 'F08', credentials);
        assert.deepEqual([large.data.readBigUInt64BE(0), large.data.readBigUInt64BE(8)], [101n, 100n]);
        const booked = peer.prepare(credentials, { amount: 100n });
        const { bytes } = await peer.post(booked);
        assert.equal(outcomeOf(await peer.give(credentials, booked)), 'fulfill');
        const over = peer.prepare(credentials, { amount: 51n });
        expectReject(await peer.give(credentials, over), 'T04', credentials);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 50n })), 'fulfill', 'up to the limit');
        expectReject(await peer.send(credentials, { amount: 1n }), 'T04', credentials);
        assert.equal(outcomeOf(await peer.send(credentials, { amount: 0n })), 'fulfill');
        assert.equal(await received(), 150n);

        const change = { maxPacketAmount: '60', balanceLimit: null };
        const changed = await context.control.request('PATCH', `${peer.ase}/peers/${peer.name}`, change);
        assert.equal(changed.status, 200);
        expectReject(await peer.send(credentials, { amount: 61n }), 'F08', credentials);
        assert.ok((await peer.post(booked)).bytes.equals(bytes), 'a packet that was booked keeps its answer');
        const late = { amount: 61n, expiresAt: new Date(Date.now() - 1) };
        expectReject(await peer.send(credentials, late), 'R00', credentials);
        expectReject(await peer.give(credentials, over), 'T04', credentials);
        assert.equal(
          outcomeOf(await peer.send(credentials, { amount: 51n })),
          'fulfill',
          'another packet is not a copy',
        );
        assert.equal(await received(), 201n);
      });
    },
  },
  {
    id: 'interledger.transport',
    rows: ['ILP-13', 'ILP-18'],
    title: 'packets are accepted from peers only, by POST; other bytes get a client error, never a 500',
    run: async (context) => {
      await withIncomingPackets(context, { value: 1000n }, async ({ peer, credentials, received }) => {
        const packet = peer.prepare(credentials, { amount: 10n });
        const type = ['content-type', octetStream] as const;
        for (const authorization of [
          [],
          [['authorization', `Bearer ${peer.outgoingToken}`] as const],
          [['authorization', 'Bearer '] as const],
          [['authorization', 'Basic QTpC'] as const],
          [['authorization', `GNAP ${randomBytes(24).toString('hex')}`] as const],
        ]) {
          const refused = await peer.post(packet, { headers: [type, ...authorization] });
          assert.equal(refused.status, 401);
          assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
        }
        assert.equal((await peer.post(packet, { method: 'PUT' })).status, 405);
        for (const path of ['/ilp', '/ilp/', '/ilp/EUR', '/ilp/EUR/256', '/ilp/EUR/-1', '/ilp/EUR/2/x']) {
          assert.equal((await peer.post(packet, { path })).status, 404, path);
        }
        const cut = [1, 12, 40, packet.length - 1].map((length) => packet.subarray(0, length));
        const expiry = packet.indexOf(
          decodePrepare(packet)
            .expiresAt.toISOString()
            .replace(/[^0-9]/g, ''),
        );
        const never = ['9999 101000000000', '99990231000000000', '99991301000000000', 'x'.repeat(17)].map((time) => {
          const bytes = Buffer.from(packet);
          bytes.write(time, expiry);
          return bytes;
        });
        const twice = Buffer.concat([packet, packet]);
        const reply = Buffer.from(packet);
        reply[0] = 13;
        const others = [Buffer.alloc(0), reply, twice, randomBytes(300), Buffer.from('{"amount":"10"}')];
        for (const bytes of [...cut, ...never, ...others]) {
          assert.equal((await peer.post(bytes)).status, 400);
        }
        const huge = await peer.post(Buffer.alloc(200_000, 12)).catch(() => undefined);
        assert.ok(huge === undefined || huge.status === 413, 'too much of it is not read');
        assert.equal(await received(), 0n);
        const taken = await peer.post(packet);
        assert.deepEqual([taken.status, taken.headers.get('content-type')], [200, octetStream]);
        assert.equal(await received(), 10n);
      });
    },
  },
];
