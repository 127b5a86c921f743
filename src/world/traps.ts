/** Traps of a running world, which the control API arms by name, and magic wallet addresses, which arm traps and replies. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { Problem } from '../errors.ts';
import type { AddedFault, ArmedTrap, Fault, Faults, TrapFault } from '../faults.ts';
import { probes } from '../grade/probes.ts';
import { createTrapFacts } from '../grade/traps/facts.ts';
import { findProbe, traps } from '../grade/traps/index.ts';
import type { TrapContext, TrapWorld } from '../grade/traps/trap.ts';
import { visit } from '../grade/traps/visit.ts';
import type { Interceptor, Interceptors } from '../http/interceptor.ts';
import { faultFor, findNegativeReply } from '../http/negative-replies.ts';
import { isOfForeignPage } from '../net/foreign-page.ts';
import type { Switches } from '../profile.ts';
import type { AseDefinition, WorldDefinition } from './definition/definition.ts';
import type { AseListeners } from './listeners.ts';

export function describeTrapWorld(
  { ases, sender, receiver }: WorldDefinition,
  { urlsOf }: Pick<AseListeners, 'urlsOf'>,
  { hashEncoding }: Pick<Switches, 'hashEncoding'>,
): TrapWorld {
  const urls = (definition: AseDefinition) => {
    const { walletAddressServer, authServer, resourceServer } = urlsOf(definition);
    return { name: definition.name, walletAddressServer, authServer, resourceServer };
  };
  const described = ases.map(urls);
  const walletAddress = ({ ase, path }: WorldDefinition['sender']) =>
    described.find(({ name }) => name === ase)!.walletAddressServer + path;
  return { ases: described, sender: walletAddress(sender), receiver: walletAddress(receiver), hashEncoding };
}

/** `NAME`, or `NAME.2` for its second round. */
const ROUND = /^([a-z0-9-]+?)(?:\.([1-9]))?$/;

/**
 * Arms a trap by the name of its probe. Undefined for an unknown one, and for one that needs another world, or a world
 * with TLS.
 */
export function createTrapArming(interceptors: Interceptors, world: TrapWorld, clock: Clock) {
  return (name: string): ArmedTrap | undefined => {
    const [, probeName = '', number = '1'] = ROUND.exec(name) ?? [];
    const id = findProbe(probeName);
    const round = Number(number) - 1;
    if (id === undefined || probes[id].only === 'tls' || round >= (traps[id].rounds?.length ?? 1)) return undefined;
    const trap = traps[id];
    if (trap.changes) return undefined;
    const stop = new AbortController();
    const facts = createTrapFacts();
    const disarming: (() => void)[] = [];
    const context: TrapContext = {
      ...world,
      round,
      control: [],
      controlOutcomes: [],
      facts,
      now: () => performance.now(),
      wallNow: clock.wallNow,
      sleep: (milliseconds) => sleep(milliseconds, undefined, { signal: stop.signal }).catch(() => {}),
      visit,
      track: () => {},
      onEnd: () => {},
      onDisarm: (work) => disarming.push(work),
    };
    const interceptor = trap.set(context);
    if (interceptor instanceof Promise) return undefined;
    disarming.push(interceptors.add(interceptor));
    return {
      struck: () => facts.reached.length,
      disarm() {
        stop.abort();
        for (const work of disarming) work();
      },
    };
  };
}

/** The effect of reading a magic wallet address with this name. False for an unknown name. */
type Arming = (name: string) => boolean;

/** Arms a trap, unless it is armed already. */
const armTrap =
  (faults: Pick<Faults, 'add' | 'list'>): Arming =>
  (trap) =>
    faults.list().some((fault) => fault.kind === 'trap' && fault.trap === trap) ||
    isAdded(faults, { kind: 'trap', trap });

/** Arms a negative reply to the next call of its operation, unless it is armed and no call has met it yet. */
const armReply =
  (faults: Pick<Faults, 'add' | 'list'>): Arming =>
  (name) => {
    const reply = findNegativeReply(name);
    if (!reply) return false;
    const fault = faultFor(reply);
    const isPending = (each: AddedFault) =>
      each.kind === 'status' &&
      each.struck < each.times &&
      each.operation === fault.operation &&
      each.status === fault.status &&
      each.code === fault.code;
    return faults.list().some(isPending) || isAdded(faults, fault);
  };

function isAdded(faults: Pick<Faults, 'add'>, fault: Fault | TrapFault): boolean {
  try {
    faults.add(fault);
    return true;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

/**
 * Wallet addresses `/trap/NAME` and `/reply/NAME` at the provider of the receiver: who reads one arms the trap or the
 * negative reply, and gets the document of the receiver with this address as its id. So a client meets it by nothing
 * but the address that it pays. A page of another site arms nothing.
 */
export function addMagicAddresses(
  interceptors: Interceptors,
  { receiver }: TrapWorld,
  faults: Pick<Faults, 'add' | 'list'>,
): void {
  const armings: Readonly<Record<string, Arming>> = { trap: armTrap(faults), reply: armReply(faults) };
  const base = `${new URL(receiver).origin}/`;
  /** The arming, its name, and the URL of the receiver with what follows the name. */
  const parse = (url: string) => {
    if (!url.startsWith(base)) return undefined;
    const [kind = '', name = '', ...rest] = url.slice(base.length).split('/');
    if (!Object.hasOwn(armings, kind)) return undefined;
    return { key: `${kind}/${name}`, arm: () => armings[kind]!(name), real: [receiver, ...rest].join('/') };
  };
  const known = new Set<string>();
  const renaming: Interceptor = {
    resolve(text) {
      const magic = parse(text);
      return magic && known.has(magic.key) ? magic.real : undefined;
    },
    async answer(call, next) {
      const answer = await next();
      const asked = call.exchange.targetUri;
      if (call.operation !== 'get-wallet-address' || asked === call.url || typeof answer === 'string') return answer;
      const document = answer.body as { readonly id?: string } | undefined;
      return document?.id === receiver ? { ...answer, body: { ...document, id: asked } } : answer;
    },
  };
  interceptors.add({
    route(url, request) {
      const magic = parse(url);
      if (!magic || request.method !== 'GET' || isOfForeignPage(request.headers) || !magic.arm()) return undefined;
      if (known.size === 0) interceptors.add(renaming);
      known.add(magic.key);
      return magic.real;
    },
  });
}
