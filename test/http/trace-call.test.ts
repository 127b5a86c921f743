/** When a call is reported: a client that has its answer can ask for the verdict. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import type { FinishedCall, RequestNotes } from '../../src/http/request-trace.ts';
import { traceWhenSent } from '../../src/http/trace-call.ts';

/** A connection whose other end takes nothing. */
const stuck = () => new Duplex({ read() {}, write() {} }) as Socket;

function serveCall() {
  const res = new ServerResponse(new IncomingMessage(stuck()));
  const reported: FinishedCall[] = [];
  const report = () =>
    traceWhenSent({ trace: (call) => void reported.push(call) }, res, { receivedAt: 0 } as RequestNotes, {
      ...{ operation: 'get-quote', params: {}, reply: undefined },
    });
  return { res, report, statuses: () => reported.map(({ status }) => status) };
}

test('a call is reported once its answer is written, before the client can have it', () => {
  const { res, report, statuses } = serveCall();
  res.assignSocket(stuck());
  res.writeHead(204).end();
  report();
  assert.equal(res.writableFinished, false);
  assert.deepEqual(statuses(), [204]);
  res.emit('finish');
  res.emit('close');
  assert.deepEqual(statuses(), [204]);
});

test('an answer that waits for those to earlier requests of its connection is not written yet', () => {
  const { res, report, statuses } = serveCall();
  res.writeHead(204).end();
  report();
  assert.deepEqual(statuses(), []);
  res.emit('finish');
  res.emit('close');
  assert.deepEqual(statuses(), [204]);
});

test('a call without an answer is reported once, when its connection has ended', () => {
  const { res, report, statuses } = serveCall();
  res.assignSocket(stuck());
  report();
  assert.deepEqual(statuses(), []);
  res.emit('close');
  res.emit('close');
  assert.deepEqual(statuses(), [undefined]);
});
