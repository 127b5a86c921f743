/** The network between the ASEs of the money model: slow, repeating and late packets, and a relay in between. */
import { setTimeout as wait } from 'node:timers/promises';
import {
  deserializeIlpPrepare,
  deserializeIlpReply,
  isReject,
  serializeIlpPrepare,
  serializeIlpReject,
} from 'ilp-packet';
import type { Asset } from '../../../src/open-payments/amount.ts';
import type { Link } from '../../../src/payments/ilp/link.ts';
import type { Fault } from './state.ts';

export interface Network {
  wrapLink(from: string, to: string, link: Link): Link;
  /** Strikes packets as the fault says, counted from now on. */
  arm(fault: Extract<Fault, { packet: number }> | undefined): void;
  /** True from the arrival of a slow packet until its release. */
  isHolding(): boolean;
  /** Lets the packet go that is held back. */
  release(): void;
  /** Delivers a copy of each packet that was repeated or rejected on purpose, long after its answer. */
  deliverLateCopies(): Promise<void>;
}

export interface NetworkOptions {
  readonly hasRelay: boolean;
  /** Makes an ASE accept or refuse any further debt of a peer. */
  readonly setDebtAllowed: (ase: string, peer: string, isAllowed: boolean) => Promise<void>;
}

const RELAY = 'test.relay';

/** Changes the bytes of what it forwards, and rejects in its own name (ILP-0027). */
function withRelay(link: Link): Link {
  return {
    ...link,
    async send(asset, bytes, onSent) {
      const prepare = deserializeIlpPrepare(bytes);
      const expiresAt = new Date(prepare.expiresAt.getTime() - 1000);
      const answer = await link.send(asset, serializeIlpPrepare({ ...prepare, expiresAt }), onSent);
      const reply = deserializeIlpReply(answer);
      return isReject(reply) ? serializeIlpReject({ ...reply, triggeredBy: RELAY }) : answer;
    },
  };
}

export function createNetwork({ hasRelay, setDebtAllowed }: NetworkOptions): Network {
  let armed: Extract<Fault, { packet: number }> | undefined;
  let sent = 0;
  let isHolding = false;
  let gate = Promise.withResolvers<void>();
  let late: (() => Promise<Buffer>)[] = [];

  async function strike(
    { fate, isSlow }: Extract<Fault, { packet: number }>,
    [from, to]: readonly [string, string],
    send: () => Promise<Buffer>,
  ): Promise<Buffer> {
    isHolding = isSlow;
    if (isSlow) await gate.promise;
    isHolding = false;
    switch (fate) {
      case 'repeated': {
        late.push(send);
        const answers = await Promise.all([send(), send()]);
        if (!answers[0].equals(answers[1])) throw new Error('the copies of a packet are answered differently');
        return answers[0];
      }
      case 'indebted':
        late.push(send);
        await setDebtAllowed(to, from, false);
        return send().finally(() => setDebtAllowed(to, from, true));
      default:
        return send();
    }
  }

  return {
    wrapLink(from, to, direct) {
      const link = hasRelay ? withRelay(direct) : direct;
      return {
        ...link,
        send(asset: Asset, prepare: Buffer, onSent) {
          sent += 1;
          const send = () => link.send(asset, prepare, onSent);
          return armed?.packet === sent ? strike(armed, [from, to], send) : send();
        },
      };
    },
    arm(fault) {
      armed = fault;
      sent = 0;
      gate = Promise.withResolvers();
    },
    isHolding: () => isHolding,
    release: () => gate.resolve(),
    async deliverLateCopies() {
      const copies = late;
      late = [];
      await Promise.all(copies.map((send) => send().catch(() => wait(0))));
    },
  };
}
