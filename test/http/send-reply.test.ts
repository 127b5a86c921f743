/** How answers leave: what a client has seen when an answer counts as written. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { sendReply } from '../../src/http/send-reply.ts';

test('a slow answer comes in pieces, and is over with the last one', async () => {
  const pieces: { readonly text: string; readonly isOver: boolean }[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      // The client can have it from then on.
      queueMicrotask(() => pieces.push({ text: chunk.toString(), isOver: res.writableEnded }));
      callback();
    },
  }) as Socket;
  const res = new ServerResponse(new IncomingMessage(socket));
  res.assignSocket(socket);
  const body = { id: '1'.repeat(33) };
  await sendReply(res, { status: 200, body, delivery: { slowMs: 10 } }, {});
  const [header, ...content] = pieces.filter(({ text }) => text !== '');
  assert.match(header!.text, /^HTTP\/1\.1 200 OK\r\n/);
  assert.equal(content.map(({ text }) => text).join(''), JSON.stringify(body));
  assert.deepEqual(
    content.map(({ isOver }) => isOver),
    [...Array(content.length - 1).fill(false), true],
  );
  assert.ok(content.length > 5, `${content.length} pieces`);
});
