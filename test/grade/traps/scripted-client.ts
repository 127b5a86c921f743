/** A client for probes: short scripts in place of programs, and a clock that they move by hand. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ReportedOutcome } from '../../../src/grade/reported-outcomes.ts';
import type { ProbeClock } from '../../../src/grade/run-probe.ts';
import { createInteractionHash } from '../../../src/open-payments/interaction-hash.ts';
import { type Answer, send } from '../../support/signed-fetch.ts';
import type { ClientEnvironment } from '../../support/world.ts';

/** Moves only where a script, or a delay of the server, moves it. */
export class ScriptClock implements ProbeClock {
  #elapsed = 0;
  #deadlines: { readonly at: number; readonly pass: () => void }[] = [];
  readonly #reached = Promise.withResolvers<void>();
  /** Resolves when the deadline after the trap has begun. */
  readonly reached = this.#reached.promise;
  /** Runs while the server delays its next answer. */
  during: (() => Promise<unknown>) | undefined;

  now = (): number => this.#elapsed;
  wallNow = (): number => Date.now() + this.#elapsed;

  advance(milliseconds: number): void {
    this.#elapsed += milliseconds;
    for (const { at, pass } of this.#deadlines) if (at <= this.#elapsed) pass();
  }

  sleep = async (milliseconds: number): Promise<void> => {
    const { during } = this;
    this.during = undefined;
    await during?.().catch(() => {});
    this.advance(milliseconds);
  };

  deadline = (milliseconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((pass) => {
      // The first is that of a run in which the trap is not reached.
      if (this.#deadlines.push({ at: this.#elapsed + milliseconds, pass }) === 2) this.#reached.resolve();
      signal.addEventListener('abort', () => pass());
    });
}

export interface Wallet {
  readonly id: string;
  readonly authServer: string;
  readonly resourceServer: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

/** A grant as its newest answer describes it. */
export interface Grant {
  readonly endpoint: string;
  readonly nonce: string;
  serverNonce: string;
  redirect: string;
  uri: string;
  continueToken: string;
  token: string;
  manage: string;
  access: { readonly limits?: { readonly debitAmount?: { readonly value: string } } }[];
  last: Answer;
}

// biome-ignore lint/suspicious/noExplicitAny: scripts read what they expect
type Body = any;

const closedPort = 'http://localhost:1/callback';

export class Client {
  readonly env: ClientEnvironment;
  readonly clock: ScriptClock;
  /** The lines of its outcome file. */
  readonly outcomes: ReportedOutcome[] = [];
  readonly #abort = new AbortController();

  constructor(env: ClientEnvironment, clock: ScriptClock) {
    this.env = env;
    this.clock = clock;
  }

  /** Resolves when the requests that were under way are answered. */
  async kill(): Promise<void> {
    this.#abort.abort(new Error('killed'));
    await Promise.allSettled(this.#pending);
  }

  readonly #pending = new Set<Promise<unknown>>();

  /** Lives on for so long after it has met the trap, until it is killed. */
  async linger(milliseconds: number): Promise<never> {
    await this.clock.reached;
    this.clock.advance(milliseconds);
    return this.hang();
  }

  /** Never resolves; rejects when the process is killed. */
  hang(): Promise<never> {
    const { promise, reject } = Promise.withResolvers<never>();
    this.#abort.signal.addEventListener('abort', () => reject(new Error('killed')));
    return promise;
  }

  #unlessKilled<T>(start: () => Promise<T>): Promise<T> {
    this.#abort.signal.throwIfAborted();
    const work = start();
    this.#pending.add(work);
    return Promise.race([work, this.hang()]);
  }

  get(url: string): Promise<Answer> {
    return this.#unlessKilled(() => send(this.env, { method: 'GET', url, signed: false }));
  }

  /** For an answer that may never come. */
  async getUntilKilled(url: string): Promise<void> {
    await fetch(url, { signal: this.#abort.signal, redirect: 'manual' });
  }

  call(method: string, url: string, token?: string, body?: unknown): Promise<Answer> {
    return this.#unlessKilled(() => send(this.env, { method, url, body, ...(token !== undefined && { token }) }));
  }

  async wallet(url = this.env.walletAddress): Promise<Wallet> {
    return (await this.get(url)).body;
  }

  async ask(endpoint: string, access: object, finish?: string | false): Promise<Grant> {
    const nonce = randomUUID();
    const interact =
      finish === undefined
        ? undefined
        : { start: ['redirect'], ...(finish !== false && { finish: { method: 'redirect', uri: finish, nonce } }) };
    const last = await this.call('POST', endpoint, undefined, {
      client: this.env.client,
      access_token: { access: [access] },
      ...(interact && { interact }),
    });
    const grant = { endpoint, nonce } as Grant;
    this.take(grant, last);
    return grant;
  }

  /** Keeps what an answer of the authorization server brings. */
  take(grant: Grant, last: Answer): Answer {
    const { continue: continuation, interact, access_token: token }: Body = last.body ?? {};
    grant.last = last;
    if (continuation) {
      grant.uri = continuation.uri;
      grant.continueToken = continuation.access_token.value;
    }
    if (interact) {
      grant.redirect = interact.redirect;
      grant.serverNonce = interact.finish;
    }
    if (token) {
      grant.token = token.value;
      grant.manage = token.manage;
      grant.access = token.access;
    }
    return last;
  }

  /** Asks to pay from the wallet of the sender. */
  async askToPay({ finish = closedPort, value }: { finish?: string | false; value?: string } = {}): Promise<Grant> {
    const { authServer, assetCode, assetScale } = await this.wallet();
    return this.ask(
      authServer,
      {
        type: 'outgoing-payment',
        actions: ['create', 'read', 'list'],
        identifier: this.env.walletAddress,
        ...(value !== undefined && { limits: { debitAmount: { value, assetCode, assetScale } } }),
      },
      finish,
    );
  }

  /** The parameters of the finish redirect, to which the interaction leads; empty if it leads to none. */
  async browse({ redirect }: Pick<Grant, 'redirect'>): Promise<URLSearchParams> {
    const { headers } = await this.get(redirect);
    return new URLSearchParams(headers.get('location')?.split('?')[1] ?? '');
  }

  verifies(
    grant: Grant,
    finish: URLSearchParams,
    encodings: readonly ('base64' | 'base64url')[] = ['base64', 'base64url'],
  ) {
    const { nonce: clientNonce, serverNonce, endpoint: grantEndpoint } = grant;
    const interactRef = finish.get('interact_ref') ?? '';
    const hashed = { clientNonce, serverNonce, interactRef, grantEndpoint };
    return encodings.some((encoding) => finish.get('hash') === createInteractionHash(hashed, encoding));
  }

  async continue(grant: Grant, reference?: string | null): Promise<Answer> {
    const body = reference === undefined || reference === null ? undefined : { interact_ref: reference };
    return this.take(grant, await this.call('POST', grant.uri, grant.continueToken, body));
  }

  /** A granted right to pay. */
  async mayPay(value?: string): Promise<Grant> {
    const grant = await this.askToPay(value === undefined ? {} : { value });
    await this.continue(grant, (await this.browse(grant)).get('interact_ref'));
    return grant;
  }

  async rotate(grant: Grant): Promise<Answer> {
    return this.take(grant, await this.call('POST', grant.manage, grant.token));
  }

  /** The receiver, and a token for incoming payments there. */
  async receiver(url = this.env.receiver): Promise<{ wallet: Wallet; grant: Grant }> {
    const wallet = await this.wallet(url);
    const grant = await this.ask(wallet.authServer, {
      type: 'incoming-payment',
      actions: ['create', 'read', 'list', 'complete'],
    });
    return { wallet, grant };
  }

  /** A new incoming payment of so much. */
  async receive({ wallet, grant }: { wallet: Wallet; grant: Grant }, value = '100'): Promise<Answer> {
    const { assetCode, assetScale } = wallet;
    return this.call('POST', `${wallet.resourceServer}/incoming-payments`, grant.token, {
      walletAddress: wallet.id,
      incomingAmount: { value, assetCode, assetScale },
    });
  }

  /** A token for quotes, and the quote of a new incoming payment. */
  async quote(receiver: string): Promise<Answer & { readonly grant: Grant }> {
    const payer = await this.wallet();
    const grant = await this.ask(payer.authServer, { type: 'quote', actions: ['create', 'read'] });
    const answer = await this.call('POST', `${payer.resourceServer}/quotes`, grant.token, {
      walletAddress: this.env.walletAddress,
      receiver,
      method: 'ilp',
    });
    return { ...answer, grant };
  }

  async pay(grant: Grant, quoteId: string): Promise<Answer> {
    const { resourceServer } = await this.wallet();
    return this.call('POST', `${resourceServer}/outgoing-payments`, grant.token, {
      walletAddress: this.env.walletAddress,
      quoteId,
    });
  }

  /** The URL of a callback listener, and the first parameters that it gets. Closed with the process. */
  async listen(onCallback: (query: URLSearchParams) => unknown): Promise<string> {
    const server = createServer((req, res) => {
      res.end('ok');
      void onCallback(new URL(req.url!, 'http://localhost').searchParams);
    });
    await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve));
    this.closers.push(() => server.close());
    return `http://localhost:${(server.address() as AddressInfo).port}/callback`;
  }

  readonly closers: (() => void)[] = [];
}
