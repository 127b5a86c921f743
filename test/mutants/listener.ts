/** Mutants of the bounds of a listener, of a reset, and of the requests that the parser of HTTP lets through. */
import { type Mutant, noticedBy } from './mutant.ts';

const listenerTest = 'test/net/listener.test.ts';
const plainTest = 'test/net/plain-connections.test.ts';
const resetTest = 'test/world/reset-under-load.test.ts';

const shares: readonly Mutant[] = noticedBy(listenerTest, 'src/net/connection-shares.ts', [
  {
    id: 'listener.one-client-has-all-connections',
    title: 'leaves room for one with fewer',
    at: '(«greediest === own» ? socket',
    by: 'true',
  },
]);

const bounds: readonly Mutant[] = noticedBy(listenerTest, 'src/net/listener.ts', [
  {
    id: 'listener.unread-answer-stays',
    title: 'is cut off in time',
    at: 'const timer = «setTimeout(() => socket.destroy(), writeTimeout).unref()»;',
    by: 'undefined',
  },
  {
    id: 'listener.unread-answers-without-bound',
    title: 'answers that wait for clients are bounded in bytes',
    at: 'while («total > maxUnreadBytes») {',
    by: 'false',
  },
  {
    id: 'listener.newest-is-cut-off',
    title: 'answers that wait for clients are bounded in bytes',
    at: '.reduce((a, b) => («b[1] > a[1]» ? b : a))',
    by: 'b[1] >= a[1]',
  },
  {
    id: 'listener.idle-connection-stays',
    title: 'loses the connection',
    at: 'server.timeout = «timeout»;',
    by: '0',
  },
  {
    id: 'listener.slow-head-awaited',
    title: 'a head that does not come',
    at: 'const options = { ...«limits», requireHostHeader: false };',
    by: '{}',
  },
  {
    id: 'listener.requests-without-bound',
    title: 'requests sent without waiting',
    at: 'if («requests.size > maxPipelined») return',
    by: 'false',
  },
  {
    id: 'listener.answered-requests-count',
    title: 'requests sent without waiting',
    at: "res.once('close', () => «requests.delete(req)»);",
    by: 'undefined',
  },
  {
    id: 'listener.connections-without-bound',
    title: 'connections are bounded',
    at: 'shareConnections(server, «limits.maxConnections»);',
    by: 'Number.POSITIVE_INFINITY',
  },
  {
    id: 'listener.header-lines-without-bound',
    title: '201 header lines',
    at: 'if («req.rawHeaders.length > 2 * maxHeaderLines»)',
    by: 'false',
  },
  {
    id: 'listener.answer-to-another-request',
    title: 'bytes that are not HTTP',
    at: 'if (socket.writable && «isOfThisRequest» &&',
    by: 'true',
  },
  {
    id: 'listener.any-expectation',
    title: 'another expectation',
    at: "sendError(res, «417», 'the only supported",
    by: '400',
  },
]);

const ports: readonly Mutant[] = noticedBy('test/net/port-sockets.test.ts', 'src/net/port-sockets.ts', [
  {
    id: 'port.one-socket',
    title: 'do not wait for as many turns',
    at: 'const servers = await («claim» ?',
    by: 'undefined',
  },
  {
    id: 'port.shared-without-a-claim',
    title: 'only if no other one has claimed',
    at: 'const servers = await («claim» ?',
    by: 'true',
  },
  {
    id: 'port.shared-with-another-program',
    title: 'another program shares with everyone',
    at: 'await startListening(probe, «address»);',
    by: '{ ...address, port: 0 }',
  },
  {
    id: 'port.further-sockets-stay-open',
    title: 'a port that is closed is free at once',
    at: 'const stopped = «servers».map(stopListening);',
    by: '[server]',
  },
]);

const controlPort: readonly Mutant[] = noticedBy(
  'test/world/control-listener.test.ts',
  'src/world/control-listener.ts',
  [
    {
      id: 'control-port.not-found-before-ready',
      title: 'until the world is ready',
      at: "renderControlProblem(«new Problem('not_ready')»",
      by: "new Problem('not_found')",
    },
  ],
);

const resetSecrets: readonly Mutant[] = noticedBy(resetTest, 'src/world/provision.ts', [
  {
    id: 'reset.changes-the-secrets',
    title: 'keeps what clients have read',
    at: 'toJson([«options.secret ?? newSecret»])',
    by: 'newSecret',
  },
]);

const reset: readonly Mutant[] = noticedBy(resetTest, 'src/world/reset.ts', [
  {
    id: 'reset.requests-served',
    title: 'while a reset lasts',
    at: '«await listeners.suspend()»;',
    by: 'undefined',
  },
  {
    id: 'reset.not-started-again',
    title: 'while a reset lasts',
    at: 'finally { «await restart(runtime)»; }',
    by: 'undefined',
  },
  {
    id: 'reset.fails-at-the-first-conflict',
    title: 'while a reset lasts',
    at: 'if («clears === MAX_CLEARS || !isConflict(error)») throw error;',
    by: 'true',
  },
]);

const clearText: readonly Mutant[] = [
  ...noticedBy(plainTest, 'src/net/listener.ts', [
    {
      id: 'plain.served-like-tls',
      title: 'a request in clear text never reaches the handler',
      at: 'else if («isPlain») plainHandler(req, res);',
      by: 'false',
    },
  ]),
  ...noticedBy(plainTest, 'src/net/plain-connections.ts', [
    {
      id: 'plain.first-byte-lost',
      title: 'handed to the handler for clear text, with its first byte',
      at: '«socket.unshift(first)»;',
      by: 'undefined',
    },
    {
      id: 'plain.silence-unlimited',
      title: 'silence, and half a request in clear text',
      at: 'let timer = «limit()»;',
      by: 'setTimeout(() => {}, 0)',
    },
    {
      id: 'plain.silent-connections-stay-open',
      title: 'closing the listener ends connections',
      at: 'for (const socket of «open») socket.destroy();',
      by: '[] as Socket[]',
    },
  ]),
];

export const listenerMutants: readonly Mutant[] = [
  ...shares,
  ...bounds,
  ...ports,
  ...controlPort,
  ...resetSecrets,
  ...clearText,
  ...reset,
];
