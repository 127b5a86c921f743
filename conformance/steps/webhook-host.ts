/**
 * Hosts a webhook receiver on loopback and verifies the signature of each event independently (RFC 8785,
 * HMAC-SHA256).
 */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Json } from './signed-client.ts';

export interface Delivery {
  readonly event: Json;
  readonly contentType: string;
  /** Milliseconds, as signed. */
  readonly signedAt: number;
  readonly isSigned: boolean;
}

export interface WebhookHost {
  readonly url: string;
  readonly secret: string;
  /** In the order of arrival. */
  readonly deliveries: readonly Delivery[];
  /** Status of the answer to an event; 200 unless changed. */
  answer: (event: Json) => number;
  /** Waits until as many deliveries fit; throws after 25 seconds. */
  awaitDeliveries(count: number, fits?: (delivery: Delivery) => boolean): Promise<Delivery[]>;
  close(): Promise<void>;
}

/** Sorted by code units; numbers and strings as ECMAScript writes them. */
function canonicalText(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(value[name])}`).join()}}`;
}

export async function openWebhookHost(): Promise<WebhookHost> {
  const secret = 'what-signs-the-events-of-a-check';
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    const event = JSON.parse(await text(request));
    const [, time, digest] = /^t=(\d+), ?v1=([0-9a-f]{64})$/.exec(String(request.headers['rafiki-signature'])) ?? [];
    const { id, type, data } = event;
    const expected = createHmac('sha256', secret)
      .update(`${time}.${canonicalText({ id, type, data })}`)
      .digest('hex');
    deliveries.push({
      event,
      contentType: String(request.headers['content-type']),
      signedAt: Number(time),
      isSigned: digest === expected,
    });
    response.writeHead(host.answer(event)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host: WebhookHost = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    secret,
    deliveries,
    answer: () => 200,
    async awaitDeliveries(count, fits = () => true) {
      for (const deadline = Date.now() + 25_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
        const fitting = deliveries.filter(fits);
        if (fitting.length >= count) return fitting;
        const seen = deliveries.map(({ event }) => event.type).join(', ') || 'nothing';
        if (Date.now() > deadline) throw new Error(`${fitting.length} of ${count} events arrived in time; ${seen}`);
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return host;
}
