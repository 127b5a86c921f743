/** A webhook receiver for tests: takes down each delivery with its verdict on the signature, and answers as told. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Delivery {
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  readonly event: { readonly id: string; readonly type: string; readonly data: any };
  readonly body: string;
  readonly signature: string;
  readonly isSigned: boolean;
}

/** A status, or what to do instead of answering. */
export type Reaction = number | 'hang' | 'reset' | 'redirect' | 'half';

export interface WebhookReceiver {
  readonly url: string;
  readonly secret: string;
  /** In the order of arrival. */
  readonly deliveries: readonly Delivery[];
  /** Decides on each delivery; 200 unless told otherwise. */
  react: (delivery: Delivery) => Reaction;
  /** The answer to a delivery waits for this promise. */
  before: (delivery: Delivery) => Promise<void> | undefined;
  /** Resolves when this many have arrived since the start. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Canonical JSON for what events hold: no floating point, names in ASCII. Not the program's own. */
const sortNames = (_name: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

function isSigned(signature: string, body: string, secret: string): boolean {
  const [, time, digest] = /^t=(\d+), v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  const signed = `${time}.${JSON.stringify(JSON.parse(body), sortNames)}`;
  return createHmac('sha256', secret).update(signed).digest('hex') === digest;
}

export async function openWebhookReceiver(secret = 'the-secret-of-the-receiver'): Promise<WebhookReceiver> {
  const deliveries: Delivery[] = [];
  const waiting = new Set<() => void>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const signature = String(request.headers['rafiki-signature']);
    const delivery = { event: JSON.parse(body), body, signature, isSigned: isSigned(signature, body, secret) };
    deliveries.push(delivery);
    for (const look of waiting) look();
    await receiver.before(delivery);
    const reaction = receiver.react(delivery);
    if (reaction === 'hang') return;
    if (reaction === 'reset') return void request.socket.resetAndDestroy();
    if (reaction === 'half') return void response.writeHead(200, { 'content-length': '9' }).write('half');
    if (reaction === 'redirect') return void response.writeHead(307, { location: `${receiver.url}/moved` }).end();
    response.writeHead(reaction).end();
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    secret,
    deliveries,
    react: () => 200,
    before: () => undefined,
    arrived: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (deliveries.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
