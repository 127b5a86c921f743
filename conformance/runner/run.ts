/**
 * A run: everything that its checks share (addresses, secrets to redact, results computed once) and a fresh context
 * for each.
 */
import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createClientHost } from '../steps/client-host.ts';
import { type Control, createControl } from '../steps/control.ts';
import { createRecorder, createSignedClient, type Json, type Recorder, type SendCall } from '../steps/signed-client.ts';
import { discoverParty } from '../steps/world.ts';
import type { CheckContext, Profile } from './check.ts';
import { createRedaction, type Redaction } from './redaction.ts';
import type { Identity, Target } from './target.ts';
import { type Operations, operationsOf } from './validation.ts';

/** Seconds of business time after which shared results, mostly tokens, are computed again. */
const longestAge = 240;

export interface Run {
  readonly profile: Profile;
  readonly redaction: Redaction;
  contextFor(): { context: CheckContext; recorder: Recorder };
  close(): Promise<void>;
}

/**
 * Reads both wallet addresses; without them no check can begin. The profile is what the target's control API says
 * (CT-04), or `compat` by default. @throws if a wallet address does not answer, or the profile is another
 */
export async function createRun(
  target: Target,
  allOperations: Operations,
  options: { readonly profile?: Profile; readonly redaction?: Redaction; readonly rate?: number | undefined } = {},
): Promise<Run> {
  const { redaction = createRedaction() } = options;
  const operations = operationsOf(target, allOperations);
  redaction.hide(target.control?.token);
  redaction.hide(target.introspection?.secret);
  redaction.hide(target.backChannel?.secret);
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
  const discovery = createSignedClient(target.identity, operations, redaction, createRecorder());
  const profile = (await readProfile(control)) ?? options.profile ?? 'compat';
  if (options.profile && profile !== options.profile) throw new Error(`the target goes by the profile ${profile}`);
  const parties = {
    sender: await discoverParty(discovery, target.walletAddress),
    receiver: await discoverParty(discovery, target.receiver),
  };
  const shared = <T>(key: string, compute: () => Promise<T>): Promise<T> => {
    if (!memory.has(key)) memory.set(key, compute());
    return memory.get(key) as Promise<T>;
  };
  return {
    profile,
    redaction,
    contextFor: () => {
      const recorder = createRecorder();
      const client = createSignedClient(target.identity, operations, redaction, recorder);
      const call = paced === undefined ? client : paced(client);
      return {
        recorder,
        context: { target, profile, ...parties, call, shared, control, clientHost, newIdentity },
      };
    },
    close: () => clientHost.close(),
  };
}

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
