/** A visitor of the inspector without a browser: signs in with a link, reads pages and sends their forms. */
import assert from 'node:assert/strict';
import type { TestWorld } from '../support/world.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export const read = async (response: Response): Promise<Reply> => ({
  status: response.status,
  headers: response.headers,
  text: await response.text(),
});

export const cookieOf = ({ headers }: Pick<Reply, 'headers'>): string => headers.get('set-cookie')?.split(';')[0] ?? '';

export interface Visitor {
  readonly origin: string;
  readonly cookie: string;
  get(path: string, headers?: Record<string, string>): Promise<Reply>;
  /** Sends a form with the token of the session; `fields` can replace it. */
  post(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Reply>;
}

export async function visitInspector(world: TestWorld): Promise<Visitor> {
  const link = new URL(world.issueInspectorLink());
  const signedIn = await read(await fetch(link));
  assert.equal(signedIn.status, 200);
  return visitorWith(link.origin, cookieOf(signedIn));
}

export function visitorWith(origin: string, cookie: string): Visitor {
  const get: Visitor['get'] = async (path, headers = {}) =>
    read(await fetch(`${origin}/inspector${path}`, { redirect: 'manual', headers: { cookie, ...headers } }));
  let token: string | undefined;
  return {
    origin,
    cookie,
    get,
    async post(path, fields = {}, headers = {}) {
      token ??= /name="form" value="([^"]*)"/.exec((await get('/requests')).text)?.[1] ?? '';
      const response = await fetch(`${origin}/inspector${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, origin, ...headers },
        body: new URLSearchParams({ form: token, ...fields }),
      });
      return read(response);
    },
  };
}

/** The text of a page, without its markup. */
export const textOf = ({ text }: Pick<Reply, 'text'>): string =>
  text
    .replace(/^.*<main/s, '<main')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

/** Pages as text. */
export function createReader(visitor: () => Visitor) {
  /** A page of status 200. */
  const open = async (path: string): Promise<string> => {
    const reply = await visitor().get(path);
    assert.equal(reply.status, 200, `${path}: ${textOf(reply)}`);
    return textOf(reply);
  };
  return {
    open,
    /** Sends a form and opens the page to which it leads. */
    async submit(path: string, fields: Record<string, string> = {}): Promise<string> {
      const reply = await visitor().post(path, fields);
      assert.equal(reply.status, 303, textOf(reply));
      return open(reply.headers.get('location')!.replace(/^\/inspector/, ''));
    },
  };
}
