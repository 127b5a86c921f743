/**
 * A run: everything that its checks share (addresses, secrets to redact, results computed once) and a fresh context
 * for each.
 */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { closeBrowser } from '../steps/browser-consent.ts';
import { type ClientHost, createClientHost } from '../steps/client-host.ts';
import { type Control, createControl } from '../steps/control.ts';
import type { ExchangeLimits } from '../steps/http-exchange.ts';
import { createRecorder, createSignedClient, type Json, type Recorder, type SendCall } from '../steps/signed-client.ts';
import { discoverParty } from '../steps/world.ts';
import { type Capability, capabilityOf } from './capability.ts';
import { type CheckContext, type Party, type Profile, type RandomCases, usualCases } from './check.ts';
import { createFootprint, type Footprint, type Leftover, parseBudget } from './footprint.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import type { Referee } from './referee.ts';
import type { Identity, Target } from './target.ts';
import { type Operations, operationsOf } from './validation.ts';

/** Seconds of business time after which shared results, mostly tokens, are computed again. */
const longestAge = 240;

export interface Run {
  readonly profile: Profile;
  readonly redaction: Redaction;
  readonly parties: { readonly sender: Party; readonly receiver: Party };
  /** Minor units of the asset of the sender. */
  readonly budget: bigint | undefined;
  readonly footprint: Footprint;
  contextFor(): { context: CheckContext; recorder: Recorder };
  /** Removes what the checks created. Returns what stays. */
  cleanUp(stop?: AbortSignal): Promise<Leftover[]>;
  close(): Promise<void>;
}

interface RunOptions {
  readonly profile?: Profile;
  readonly redaction?: Redaction;
  /** Requests per second. */
  readonly rate?: number | undefined;
  /** A decimal amount. */
  readonly budget?: string | undefined;
  readonly random?: RandomCases;
  readonly referee?: Referee | undefined;
  readonly limits?: ExchangeLimits;
}

/**
 * Reads both wallet addresses; without them no check can begin. The profile is what the target's control API says
 * (CT-04), or `compat` by default. @throws if a wallet address does not answer, or the profile is another
 */
export async function createRun(target: Target, allOperations: Operations, options: RunOptions = {}): Promise<Run> {
  const { redaction = createRedaction(), random = usualCases } = options;
  const operations = operationsOf(target, allOperations);
  redaction.hide(target.control?.token, 'CONTROL_TOKEN');
  redaction.hide(target.introspection?.secret, 'INTROSPECTION_SECRET');
  redaction.hide(target.backChannel?.secret, 'BACK_CHANNEL_SECRET');
  const clientHost = createClientHost(target.reachesLocalServers);
  const memory = new Map<string, Promise<unknown>>();
  let age = 0;
  const control = createControl(target, (seconds) => {
    age += seconds;
    if (age < longestAge) return;
    memory.clear();
    age = 0;
  });
  const paced = options.rate === undefined ? undefined : createPace(options.rate);
  const createClient = (recorder: Recorder): SendCall => {
    const client = createSignedClient(target.identity, operations, redaction, recorder, options.limits);
    return paced === undefined ? client : paced(client);
  };
  const discovery = createClient(createRecorder());
  const profile = (await readProfile(control)) ?? options.profile ?? 'compat';
  if (options.profile && profile !== options.profile) throw new Error(`the target goes by the profile ${profile}`);
  const parties = {
    sender: await discoverParty(discovery, target.walletAddress),
    receiver: await discoverParty(discovery, target.receiver),
  };
  const budget = options.budget === undefined ? undefined : parseBudget(options.budget, parties.sender);
  const footprint = createFootprint({ ...parties, client: target.client, budget });
  const shared = <T>(key: string, compute: () => Promise<T>): Promise<T> => {
    if (!memory.has(key)) memory.set(key, compute());
    return memory.get(key) as Promise<T>;
  };
  return {
    profile,
    redaction,
    parties,
    budget,
    footprint,
    contextFor: () => {
      const recorder = createRecorder();
      const call = footprint.watch(refereed(createClient(recorder), recorder, options.referee));
      const need = (capability: Capability): void => void recorder.needs.add(capability);
      return {
        recorder,
        context: {
          ...{ profile, ...parties, call, shared, newIdentity, random },
          target: watchTarget(target, need),
          control: watchControl(control, need),
          clientHost: { ...clientHost, add: watchAdd(clientHost, need) },
        },
      };
    },
    cleanUp: (stop) => footprint.cleanUp(createClient(createRecorder()), stop),
    close: async () => {
      await clientHost.close();
      await closeBrowser();
    },
  };
}

/** Holds each answer against a second judge as well. */
function refereed(call: SendCall, recorder: Recorder, referee: Referee | undefined): SendCall {
  if (!referee) return call;
  return async (one) => {
    const answer = await call(one);
    const message = answer.violation === undefined ? referee.judge(answer, one.method) : undefined;
    if (message) recorder.violations.push({ message, answer });
    return answer;
  };
}

type Need = (capability: Capability) => void;

/** Notes which parts of the target a check reads. */
const watchTarget = (target: Target, need: Need): Target =>
  new Proxy(target, {
    get(object, member) {
      if (member === 'introspection' && object.introspection) need('introspection');
      if (member === 'backChannel' && object.backChannel) need('back-channel');
      return Reflect.get(object, member);
    },
  });

/** A check that asks whether there is a control API can do without it. */
function watchControl(control: Control, need: Need): Control {
  let isOptional = false;
  return {
    ...control,
    get available() {
      isOptional = true;
      return control.available;
    },
    request(method, path, value) {
      if (!isOptional) need(capabilityOf(path));
      return control.request(method, path, value);
    },
    advanceClock(seconds) {
      if (!isOptional) need('clock');
      return control.advanceClock(seconds);
    },
    setClock(instant) {
      if (!isOptional) need('clock');
      return control.setClock(instant);
    },
    withConsent(mode, work) {
      if (!isOptional) need('consent-modes');
      return control.withConsent(mode, work);
    },
  };
}

const watchAdd =
  (clientHost: ClientHost, need: Need): ClientHost['add'] =>
  (keys, options) => {
    need('local-servers');
    return clientHost.add(keys, options);
  };

/** Delays calls so that they begin at least so far apart. */
function createPace(perSecond: number): (call: SendCall) => SendCall {
  let next = 0;
  return (call) => async (one) => {
    const now = performance.now();
    const begin = Math.max(now, next);
    next = begin + 1000 / perSecond;
    if (begin > now) await pause(begin - now);
    return call(one);
  };
}

async function readProfile(control: Control): Promise<Profile | undefined> {
  return control.available ? (await control.request('GET', '/')).body?.profile : undefined;
}

/** A fresh Ed25519 key pair and its public JWK, in the members that Open Payments asks for. */
export function newIdentity(keyId: string): Identity & { readonly jwk: Json } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return { keyId, privateKey, jwk: { kid: keyId, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519', use: 'sig', x } };
}
