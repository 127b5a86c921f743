/** The exchanges of failed checks for display, without secrets. */
import type { ShownExchange } from '../../src/report/view.ts';
import type { HeaderLine } from '../steps/http-exchange.ts';
import type { Answer } from '../steps/signed-client.ts';
import type { Redaction } from './redaction.ts';

/** Header lines that are secret by their nature. */
const hiddenHeaders = new Set(['authorization', 'signature', 'cookie', 'set-cookie', 'x-idp-secret']);
const MAX_BODY = 20_000;

export function showExchange(answer: Answer, id: number, redaction: Redaction): ShownExchange {
  const { sent, status, headers, bytes, operation = 'unknown', at } = answer;
  const { host } = new URL(sent.url);
  const target = sent.url.slice(sent.url.indexOf(host) + host.length) || '/';
  return {
    ...{ id, ase: host, operation, method: sent.method, status, lenient: [] },
    receivedAt: new Date(at).toISOString(),
    request: {
      line: redaction.redact(`${sent.method} ${target} HTTP/1.1`),
      ...showMessage(sent.headers, sent.body ?? Buffer.alloc(0), redaction),
    },
    response: showMessage([...headers], bytes, redaction),
  };
}

function showMessage(headers: readonly HeaderLine[], body: Buffer, redaction: Redaction) {
  const text = body.toString('utf8');
  return {
    headers: headers.map(([name, value]) => [
      name,
      hiddenHeaders.has(name.toLowerCase()) ? '…' : redaction.redact(value),
    ]),
    bytes: body.length,
    body: Buffer.from(text, 'utf8').equals(body) ? redaction.redact(text.slice(0, MAX_BODY)) : null,
  };
}
