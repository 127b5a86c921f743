/**
 * A network that delays ILP packets and delivers them again: at once, seconds later, and when all payments have ended.
 * A copy goes to any process of the ASE, whose clock may differ, and its answer goes nowhere.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { Chance } from './random.ts';

/** The first bytes of a connection that carries packets and nothing else. */
const PACKETS = 'POST /ilp/';

export interface PacketNetwork {
  /** Takes a connection over if it carries packets; `first` is what has arrived of it. */
  take(socket: Socket, first: Buffer, nextPorts: () => readonly number[]): boolean;
  /** Delivers the copies that were kept until the end. */
  deliverRest(): Promise<void>;
  readonly figures: () => { readonly delayed: number; readonly repeated: number };
}

interface Packet {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: false });

/** Undefined if no process gave an answer; only a process that takes no connection makes it try the next. */
async function deliver({ path, headers, body }: Packet, ports: readonly number[]): Promise<Answer | undefined> {
  const [port, ...others] = ports;
  if (port === undefined) return undefined;
  const { promise, resolve } = Promise.withResolvers<Answer | undefined | 'refused'>();
  const call = request({ host: '127.0.0.1', port, method: 'POST', path, headers, agent }, (response) => {
    buffer(response).then(
      (content) =>
        resolve({ status: response.statusCode!, type: response.headers['content-type'] ?? '', body: content }),
      () => resolve(undefined),
    );
  });
  call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : undefined));
  call.end(body);
  const answer = await promise;
  return answer === 'refused' ? deliver({ path, headers, body }, others) : answer;
}

export function createPacketNetwork(chance: Chance): PacketNetwork {
  const rest: (() => Promise<unknown>)[] = [];
  const portsOf = new WeakMap<Socket, () => readonly number[]>();
  let delayed = 0;
  let repeated = 0;

  function repeat(packet: Packet, nextPorts: () => readonly number[]): void {
    repeated += 1;
    const send = () => deliver(packet, nextPorts());
    const when = chance.pick(['at once', 'soon', 'at the end'] as const);
    if (when === 'at once') void send();
    else if (when === 'soon') void wait(chance.integer(100, 6_000), undefined, { ref: false }).then(send);
    else rest.push(send);
  }

  async function pass(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const nextPorts = portsOf.get(req.socket)!;
    const packet = { path: req.url!, headers: { ...req.headers, connection: 'close' }, body: await buffer(req) };
    if (chance.integer(1, 4) === 1) repeat(packet, nextPorts);
    if (chance.integer(1, 12) === 1) {
      delayed += 1;
      await wait(chance.integer(20, 1_000));
    }
    const answer = await deliver(packet, nextPorts());
    if (!answer) return void req.socket.destroy();
    res.writeHead(answer.status, { 'content-type': answer.type, 'content-length': answer.body.length });
    res.end(answer.body);
  }

  const server = createServer((req, res) => void pass(req, res).catch(() => req.socket.destroy()));
  return {
    take(socket, first, nextPorts) {
      if (!first.toString('latin1').startsWith(PACKETS)) return false;
      portsOf.set(socket, nextPorts);
      server.emit('connection', socket);
      return true;
    },
    async deliverRest() {
      await Promise.all(rest.splice(0).map((send) => send()));
    },
    figures: () => ({ delayed, repeated }),
  };
}
