/**
 * Sends the requests of a client library byte for byte. Only what differs from run to run is filled in: URLs, tokens,
 * dates and the signature, which is made with the key of the world.
 */
import { createHash, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { connect } from 'node:net';
import { type Form, readForms } from './parse.ts';

/** The variables that a world gives its clients. */
export interface ReplayEnvironment {
  readonly senderAddress: string;
  readonly receiverAddress: string;
  readonly client: string;
  readonly keyId: string;
  /** In PEM. */
  readonly privateKey: string;
}

export interface ReplayedRequest {
  readonly name: string;
  /** Undefined if the request was not sent, because an answer that it builds on was a refusal. */
  readonly status: number | undefined;
  readonly url?: string;
  readonly bytes?: string;
}

type Values = Map<string, unknown>;

/** A placeholder that no answer has filled. */
class Unknown extends Error {}

const DAY_MS = 86_400_000;
const TIMEOUT_MS = 10_000;

export async function replay(library: string, environment: ReplayEnvironment): Promise<ReplayedRequest[]> {
  const { privateKey, ...names } = environment;
  const key = createPrivateKey(privateKey);
  const values: Values = new Map<string, unknown>([
    ...Object.entries(names),
    ['tomorrow', new Date(Date.now() + DAY_MS).toISOString().slice(0, 10)],
    ['uuid', randomUUID()],
  ]);
  const results: ReplayedRequest[] = [];
  for (const form of readForms(library)) {
    try {
      const { url, bytes } = compose(form, values, (base) => sign(null, Buffer.from(base), key).toString('base64'));
      const { status, value } = await send(url, bytes);
      if (status < 400) values.set(form.name, value);
      results.push({ name: form.name, status, url, bytes });
    } catch (error) {
      if (!(error instanceof Unknown)) throw error;
      results.push({ name: form.name, status: undefined });
    }
  }
  return results;
}

function compose(form: Form, known: Values, signBase: (base: string) => string): { url: string; bytes: string } {
  const url = fill(form.url, known);
  const { host, hostname } = new URL(url);
  const body = fill(form.body, known);
  const values: Values = new Map([
    ...known,
    ['host', host],
    ['hostname', hostname],
    ['target', url.slice(new URL(url).origin.length) || '/'],
    ['digest', createHash('sha512').update(body).digest('base64')],
    ['length', Buffer.byteLength(body)],
    ['created', Math.floor(Date.now() / 1000)],
  ]);
  const isSigned = form.head.some((line) => line.includes('{{signature}}'));
  // The signature does not cover its own field, so the others are known before it.
  const head = form.head.map((line) => (line.includes('{{signature}}') ? line : fill(line, values)));
  if (isSigned) values.set('signature', signBase(signatureBase(url, head)));
  const lines = head.map((line) => fill(line, values));
  return { url, bytes: `${lines.join('\r\n')}\r\n\r\n${body}` };
}

/** RFC 9421 §2.5. All of these libraries quote the names in the base, whatever they write into the field. */
function signatureBase(url: string, [requestLine = '', ...lines]: readonly string[]): string {
  const fields = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const parameters = fields.get('signature-input')!.replace(/^sig1=/, '');
  const components = /^\(([^)]*)\)/.exec(parameters)![1]!.replaceAll('"', '').split(' ');
  const componentValue = (name: string) => {
    if (name === '@method') return requestLine.split(' ')[0];
    return name === '@target-uri' ? url : fields.get(name);
  };
  const covered = components.map((name) => `"${name}": ${componentValue(name)}`);
  return [...covered, `"@signature-params": ${parameters}`].join('\n');
}

/** `{{escaped name}}` is percent-encoded. */
function fill(text: string, values: Values): string {
  return text.replaceAll(/\{\{(escaped )?([^}]+)\}\}/g, (_, escaped: string | undefined, path: string) => {
    const value = findValue(path, values);
    return escaped === undefined ? value : encodeURIComponent(value);
  });
}

function findValue(path: string, values: Values): string {
  const [name = '', ...members] = path.split('.');
  let value = values.get(name);
  for (const member of members) value = (value as Record<string, unknown> | undefined)?.[member];
  if (typeof value !== 'string' && typeof value !== 'number') throw new Unknown(path);
  return String(value);
}

/** One request on a new connection. The value is the JSON of the answer, or the query of its redirect. */
async function send(url: string, bytes: string): Promise<{ status: number; value: unknown }> {
  const { hostname, port } = new URL(url);
  const [head, content] = await new Promise<[string, string]>((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\r\n\r\n');
      const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      const rest = text.slice(end + 4);
      if (end === -1 || Buffer.byteLength(rest) < length) return;
      socket.destroy();
      resolve([text.slice(0, end), rest]);
    });
    socket.on('error', reject);
    socket.on('end', () => reject(new Error(`the connection ended after ${JSON.stringify(text.slice(0, 200))}`)));
    socket.write(bytes);
  });
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const location = /^location: (\S+)/im.exec(head)?.[1];
  if (location !== undefined) return { status, value: Object.fromEntries(new URL(location, url).searchParams) };
  return { status, value: content.startsWith('{') ? JSON.parse(content) : undefined };
}
