/** The target of a run: addresses and keys from the `TOUCHSTONE_*` environment variables. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConsentStep, defaultSteps, parseStep } from '../steps/browser-consent.ts';

/** Signing identity: the `keyid` sent and its Ed25519 private key. */
export interface Identity {
  readonly keyId: string;
  readonly privateKey: KeyObject;
}

/** An endpoint for other servers, and the secret of its callers. */
export interface PrivateEndpoint {
  readonly url: string;
  readonly secret: string;
}

export interface Target {
  /** Endpoints of the sender's ASE for resource servers and for identity providers; absent when the target offers none. */
  readonly introspection?: PrivateEndpoint;
  readonly backChannel?: PrivateEndpoint;
  /** Wallet address of a sender with money. */
  readonly walletAddress: string;
  /** Wallet address at the other ASE, in another currency. */
  readonly receiver: string;
  /** Wallet address that the client identifies itself by. */
  readonly client: string;
  readonly identity: Identity;
  /** How an owner consents. */
  readonly consent: Consent;
  /** The target may call servers of this machine, such as the key sets that checks host. */
  readonly reachesLocalServers: boolean;
  /** Where the control API is, without a slash at its end, and its bearer token; absent when the target has none. */
  readonly control?: { readonly url: string; readonly token: string };
}

/**
 * - `automatic`: redirects alone lead to the finish URI;
 * - `command`: a shell command opens the URL in `TOUCHSTONE_INTERACTION` and prints where it ended;
 * - `hook`: a server opens the URL that is posted to it;
 * - `browser`: steps on a page in Chromium;
 * - `back-channel`: the checks accept as an identity provider.
 */
export type Consent =
  | { readonly kind: 'automatic' | 'back-channel' }
  | { readonly kind: 'command'; readonly command: string }
  | { readonly kind: 'hook'; readonly url: string }
  | { readonly kind: 'browser'; readonly steps: readonly ConsentStep[] };

/** Lists every problem at once, so that all can be fixed together. */
export class TargetError extends Error {
  readonly complaints: readonly string[];
  constructor(complaints: readonly string[]) {
    super(
      `the TOUCHSTONE_* variables are not usable:\n${complaints.map((complaint) => `  - ${complaint}`).join('\n')}`,
    );
    this.name = 'TargetError';
    this.complaints = complaints;
  }
}

/** Reads and validates the `TOUCHSTONE_*` variables. @throws TargetError */
export function parseTarget(variables: Record<string, string | undefined>): Target {
  const complaints: string[] = [];
  const address = (name: string): string => {
    const value = variables[name];
    if (!value) complaints.push(`${name} is not set`);
    else if (!isWeb(value)) complaints.push(`${name} is not an absolute http(s) URL: ${value}`);
    return value ?? '';
  };
  const walletAddress = address('TOUCHSTONE_WALLET_ADDRESS');
  const receiver = address('TOUCHSTONE_RECEIVER');
  const client = address('TOUCHSTONE_CLIENT');
  const keyId = variables['TOUCHSTONE_KEY_ID'];
  if (!keyId) complaints.push('TOUCHSTONE_KEY_ID is not set');
  const privateKey = readPrivateKey(variables, complaints);
  const url = variables['TOUCHSTONE_CONTROL'];
  const token = variables['TOUCHSTONE_CONTROL_TOKEN'];
  if (url && !isWeb(url)) complaints.push(`TOUCHSTONE_CONTROL is not an absolute http(s) URL: ${url}`);
  if (url && !token) complaints.push('TOUCHSTONE_CONTROL is set, TOUCHSTONE_CONTROL_TOKEN is not');
  const consent = readConsent(variables, complaints);
  if (complaints.length > 0 || !keyId || !privateKey) throw new TargetError(complaints);
  return {
    ...readPrivateEndpoint(variables, 'introspection', 'TOUCHSTONE_INTROSPECTION'),
    ...readPrivateEndpoint(variables, 'backChannel', 'TOUCHSTONE_BACK_CHANNEL'),
    walletAddress,
    receiver,
    client,
    identity: { keyId, privateKey },
    consent,
    reachesLocalServers: isLocal(walletAddress) || variables['TOUCHSTONE_LOCAL_SERVERS'] === 'true',
    ...(url && token ? { control: { url: new URL(url).href.replace(/\/$/, ''), token } } : {}),
  };
}

function readConsent(variables: Record<string, string | undefined>, complaints: string[]): Consent {
  const { TOUCHSTONE_CONSENT_COMMAND: command, TOUCHSTONE_CONSENT_HOOK: hook, TOUCHSTONE_CONSENT: kind } = variables;
  if (command) return { kind: 'command', command };
  if (hook && !isWeb(hook)) complaints.push(`TOUCHSTONE_CONSENT_HOOK is not an absolute http(s) URL: ${hook}`);
  if (hook) return { kind: 'hook', url: hook };
  if (kind === 'browser') {
    const written = variables['TOUCHSTONE_CONSENT_STEPS']?.split('\n') ?? defaultSteps;
    try {
      const steps = written.filter((step) => step.trim() !== '').map((step) => parseStep(step, variables));
      return { kind, steps };
    } catch (error) {
      complaints.push((error as Error).message);
    }
  }
  return { kind: kind === 'back-channel' ? 'back-channel' : 'automatic' };
}

const isLocal = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);

function readPrivateEndpoint(
  variables: Record<string, string | undefined>,
  member: 'introspection' | 'backChannel',
  name: string,
): Partial<Pick<Target, typeof member>> {
  const [url, secret] = [variables[name], variables[`${name}_SECRET`]];
  return url && secret ? { [member]: { url, secret } } : {};
}

const isWeb = (value: string): boolean => /^https?:$/.test(URL.parse(value)?.protocol ?? '');

function readPrivateKey(variables: Record<string, string | undefined>, complaints: string[]): KeyObject | undefined {
  const pem = variables['TOUCHSTONE_PRIVATE_KEY'];
  const base64 = variables['TOUCHSTONE_PRIVATE_KEY_BASE64'];
  const file = variables['TOUCHSTONE_PRIVATE_KEY_FILE'];
  const source = pem
    ? 'TOUCHSTONE_PRIVATE_KEY'
    : base64
      ? 'TOUCHSTONE_PRIVATE_KEY_BASE64'
      : 'TOUCHSTONE_PRIVATE_KEY_FILE';
  if (!pem && !base64 && !file) {
    complaints.push(
      'none of TOUCHSTONE_PRIVATE_KEY, TOUCHSTONE_PRIVATE_KEY_BASE64, TOUCHSTONE_PRIVATE_KEY_FILE is set',
    );
    return undefined;
  }
  try {
    const text = pem ?? (base64 ? Buffer.from(base64, 'base64').toString('utf8') : readFileSync(file!, 'utf8'));
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType === 'ed25519') return key;
    complaints.push(`${source} holds a key of type ${key.asymmetricKeyType}, not ed25519`);
  } catch {
    // The parser's own message may quote the input, which is a secret.
    complaints.push(`${source} holds no readable PKCS #8 private key`);
  }
  return undefined;
}
