/**
 * Recorded requests as an HTTP Archive (HAR 1.2), which browsers' developer tools and HTTP debuggers open. Secrets are
 * hidden, as on the pages. Fields that begin with `_` are additions, as the format allows them.
 */
import { STATUS_CODES } from 'node:http';
import type { DescribedExchange } from '../grade/describe-exchange.ts';
import { partsOfLine } from './exchanges.ts';

interface HarExchange {
  readonly described: DescribedExchange;
  readonly origin: string;
  readonly verdict: string | undefined;
}

type Headers = readonly (readonly string[])[];

const toHeaders = (headers: Headers) => headers.map(([name, value]) => ({ name, value }));

const headerOf = (headers: Headers, wanted: string): string =>
  headers.find(([name]) => name!.toLowerCase() === wanted)?.[1] ?? '';

function toEntry({ described, origin, verdict }: HarExchange) {
  const { id, ase, operation, status, ms, fault, receivedAt, request, response } = described;
  const { method, target, version } = partsOfLine(request.line);
  const url = URL.parse(target, origin) ?? new URL(origin);
  const answerHeaders = response?.headers ?? [];
  const httpVersion = `HTTP/${version}`;
  const unknown = { cookies: [], headersSize: -1 };
  return {
    startedDateTime: receivedAt,
    time: ms,
    request: {
      ...{ method, url: url.href, httpVersion, ...unknown },
      headers: toHeaders(request.headers),
      queryString: [...url.searchParams].map(([name, value]) => ({ name, value })),
      bodySize: request.bytes,
      ...(request.bytes > 0 && {
        postData: { mimeType: headerOf(request.headers, 'content-type'), text: request.body ?? '' },
      }),
    },
    response: {
      // An archive has 0 for a request without an answer.
      ...{ status: status ?? 0, statusText: STATUS_CODES[status ?? 0] ?? '', httpVersion, ...unknown },
      headers: toHeaders(answerHeaders),
      content: {
        size: response?.bytes ?? 0,
        mimeType: headerOf(answerHeaders, 'content-type'),
        ...(response?.body != null && { text: response.body }),
      },
      redirectURL: headerOf(answerHeaders, 'location'),
      bodySize: response?.bytes ?? -1,
    },
    cache: {},
    timings: { send: 0, wait: ms, receive: 0 },
    ...{ _id: id, _ase: ase, _operation: operation, _fault: fault, _verdict: verdict },
  };
}

export const renderHar = (version: string, exchanges: readonly HarExchange[]): string =>
  JSON.stringify({
    log: {
      version: '1.2',
      creator: { name: 'Touchstone', version },
      entries: exchanges.map(toEntry),
    },
  });
