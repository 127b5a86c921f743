/** A request as a command line for curl. Its secrets are hidden, so it has to be completed before it can be run. */
import type { DescribedExchange } from '../grade/describe-exchange.ts';
import { visible } from '../report/visible-text.ts';
import { partsOfLine } from './exchanges.ts';

/** Headers that curl adds. */
const automatic = /^(?:host|connection|content-length|transfer-encoding|keep-alive|accept-encoding|te|expect)$/i;

const quote = (text: string): string => `'${visible(text).replaceAll("'", String.raw`'\''`)}'`;

export function toCurl({ request }: Pick<DescribedExchange, 'request'>, origin: string): string {
  const { method, target } = partsOfLine(request.line);
  const headers = request.headers.filter(([name]) => !automatic.test(name!));
  const body = request.bytes === 0 ? [] : [`--data-raw ${quote(request.body ?? '(content that is not JSON)')}`];
  return [
    `curl -i -X ${quote(method)} ${quote(origin + target)}`,
    ...headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...body,
  ].join(' \\\n  ');
}
