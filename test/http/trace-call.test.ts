/** When a call is reported: a client that has its answer can ask for the verdict. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { FinishedCall, RequestNotes } from '../../src/http/request-trace.ts';
import { traceWhenSent } from '../../src/http/trace-call.ts';

function serveCall() {
  // Without a connection, nothing that is written leaves the process.
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  const reported: FinishedCall[] = [];
  const report = () =>
    traceWhenSent({ trace: (call) => void reported.push(call) }, res, { receivedAt: 0 } as RequestNotes, {
      ...{ operation: 'get-quote', params: {}, reply: undefined },
    });
  return { res, report, statuses: () => reported.map(({ status }) => status) };
}

test('a call is reported once its answer is written, before the client can have it', () => {
  const { res, report, statuses } = serveCall();
  res.writeHead(204).end();
  report();
  assert.equal(res.writableFinished, false);
  assert.deepEqual(statuses(), [204]);
});

test('a call without an answer is reported once, when its connection has ended', () => {
  const { res, report, statuses } = serveCall();
  report();
  assert.deepEqual(statuses(), []);
  res.emit('close');
  res.emit('close');
  assert.deepEqual(statuses(), [undefined]);
});
