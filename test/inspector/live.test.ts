/** The event stream of the live pages: what it says, who may read it, and that no browser can make it collect messages. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { createLiveStreams, MAX_STREAMS, type StreamResponse } from '../../src/inspector/live.ts';
import { startWorld } from '../support/world.ts';
import { visitInspector } from './inspector.ts';

const allowed = () => true;

/** A response that notes what is written to it. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = [];
  readonly socket = null;
  writableNeedDrain = false;
  writeHead = () => this;
  write = (text: string) => this.written.push(text) > 0;
  end = () => this.leave('end');
  destroy = () => this.leave('destroy');
  leave(how: string): this {
    this.written.push(how);
    this.emit('close');
    return this;
  }
}

function openStreams(count: number) {
  const listeners = new Set<() => void>();
  const live = createLiveStreams({
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  const responses = Array.from({ length: count }, () => new FakeResponse());
  const open = (res: FakeResponse, isAllowed = allowed) => live.open(res as unknown as StreamResponse, isAllowed);
  return { live, listeners, responses, open, happen: () => [...listeners].forEach((listener) => void listener()) };
}

test('many changes at once are two messages, and no page costs nothing', ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
  const { live, listeners, responses, open, happen } = openStreams(1);
  const [res] = responses as [FakeResponse];
  assert.equal(listeners.size, 0);
  open(res);
  for (let times = 0; times < 1000; times += 1) happen();
  mock.timers.tick(10_000);
  assert.deepEqual(res.written, ['retry: 2000\n\n', 'data: change\n\n', 'data: change\n\n']);
  mock.timers.tick(5_000);
  assert.equal(res.written.at(-1), ': beat\n\n');
  res.leave('gone');
  assert.deepEqual([live.count(), listeners.size], [0, 0]);
  const written = res.written.length;
  mock.timers.tick(60_000);
  assert.equal(res.written.length, written);
});

test('a browser that does not read, and one whose session has ended, lose the stream', () => {
  const { responses, open, happen, live } = openStreams(3);
  const [slow, signedOut, good] = responses as [FakeResponse, FakeResponse, FakeResponse];
  let isSignedIn = true;
  open(slow);
  open(signedOut, () => isSignedIn);
  open(good);
  slow.writableNeedDrain = true;
  isSignedIn = false;
  happen();
  assert.equal(slow.written.at(-1), 'destroy');
  assert.deepEqual(signedOut.written.slice(1), ['end']);
  assert.equal(good.written.at(-1), 'data: change\n\n');
  live.close();
  assert.equal(good.written.at(-1), 'end');
});

test('the number of streams is bounded, and a closed world opens none', () => {
  const { responses, open, live } = openStreams(MAX_STREAMS + 1);
  assert.deepEqual(
    responses.map((res) => open(res)),
    responses.map((_, index) => index < MAX_STREAMS),
  );
  live.close();
  assert.equal(live.count(), 0);
  assert.equal(open(new FakeResponse()), false);
});

/** Reads the stream until the text has come. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, text: string): Promise<void> {
  for (let seen = ''; !seen.includes(text); ) {
    const { value, done } = await reader.read();
    assert.ok(!done, `the stream ended after ${JSON.stringify(seen)}`);
    seen += Buffer.from(value).toString();
  }
}

test('a request, and a change through the control API, are announced; the stream ends with the world', async () => {
  const world = await startWorld({});
  const visitor = await visitInspector(world);
  const path = `${visitor.origin}/inspector/live`;
  assert.equal((await fetch(path)).status, 401);
  const response = await fetch(path, { headers: { cookie: visitor.cookie } });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  const reader = response.body!.getReader();
  await readUntil(reader, 'retry: 2000\n\n');
  await fetch(world.env['TOUCHSTONE_WALLET_ADDRESS']!);
  await readUntil(reader, 'data: change\n\n');
  await visitor.post('/controls/consent', { mode: 'deny' });
  await readUntil(reader, 'data: change\n\n');
  const closed = world.close();
  assert.equal((await reader.read()).done, true, 'the stream ends by itself, and is not cut off');
  await closed;
});
