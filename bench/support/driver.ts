/** Requests with latencies, from one process over a number of connections that are kept open. */
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Call {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type Send = (call: Call) => Promise<Reply>;

export interface Driver {
  readonly send: Send;
  close(): void;
}

/** With `port`, connections go to this port of this machine, whatever the URL says. */
export function createDriver(connections: number, port?: number): Driver {
  const place = (url: string): RequestOptions =>
    port === undefined ? {} : { hostname: '127.0.0.1', port, headers: { host: new URL(url).host } };
  const options = { keepAlive: true, maxSockets: connections, scheduling: 'fifo' } as const;
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  const send: Send = ({ method, url, headers, body }) =>
    new Promise((resolve, reject) => {
      const isTls = url.startsWith('https:');
      const placed = place(url);
      const agent = isTls ? agents.https : agents.http;
      const settings = { ...placed, method, agent, headers: { ...headers, ...placed.headers } };
      const sent = (isTls ? httpsRequest : httpRequest)(url, settings, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text: Buffer.concat(chunks).toString() });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  return {
    send,
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Sends a call that must succeed. */
export async function sendOk(send: Send, call: Call): Promise<Reply> {
  const reply = await send(call);
  if (reply.status >= 400) throw new Error(`${call.method} ${call.url}: ${reply.status} ${reply.text.slice(0, 300)}`);
  return reply;
}

/** Work of a client, from its first request to its last answer. */
export type Job = (send: Send) => Promise<unknown>;

/** Closed loop: as many jobs at once as there are connections. Returns the latencies in milliseconds. */
export async function runClosedLoop(driver: Driver, connections: number, jobs: readonly Job[]): Promise<number[]> {
  const latencies: number[] = [];
  const queue = jobs.values();
  const work = async (): Promise<void> => {
    for (const job of queue) {
      const started = performance.now();
      await job(driver.send);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return latencies;
}

/** The value below which this share of the values is. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Sends the calls in a closed loop; all of them must succeed. Requests per second, and the median latency in milliseconds. */
export async function measureCapacity(
  driver: Driver,
  connections: number,
  calls: readonly Call[],
): Promise<{ readonly rate: number; readonly p50: number }> {
  const jobs = calls.map((call) => (send: Send) => sendOk(send, call));
  const started = performance.now();
  const latencies = await runClosedLoop(driver, connections, jobs);
  return { rate: calls.length / ((performance.now() - started) / 1000), p50: median(latencies) };
}
