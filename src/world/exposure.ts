/**
 * The features that a world may use, depending on who can reach it. One table serves the check at start, the control
 * API afterwards, and `docs/exposure.md`.
 */
import { MIN_EXPOSED_SECRET_LENGTH } from '../crypto/secret-strength.ts';
import { ConfigError } from '../errors.ts';
import { isLoopback } from '../net/loopback.ts';

interface Rule {
  /** Names the feature in messages and in the documentation. */
  readonly feature: string;
  /** Allowed for a world that other machines can reach, and for one that was also started with `--insecure`. */
  readonly exposed: boolean;
  readonly insecure: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** Everything here is allowed for a world that listens on loopback only and publishes loopback origins only. */
export const exposureRules = {
  shortSecret: {
    feature: `a control token or peer secret of fewer than ${MIN_EXPOSED_SECRET_LENGTH} characters`,
    exposed: false,
    insecure: false,
    reason: 'It can be guessed.',
  },
  automaticConsent: {
    feature: '--consent auto or deny',
    exposed: false,
    insecure: true,
    reason: 'Any client could pay from any wallet. The control API cannot switch it on either.',
  },
  consentWithoutSignIn: {
    feature: 'consent pages without --sign-in',
    exposed: false,
    insecure: true,
    reason:
      'Anyone who opens the page could consent for any account holder. An identity provider in another process decides for itself.',
  },
  listAllWithoutConsent: {
    feature: 'list-all without consent in the world file',
    exposed: false,
    insecure: true,
    reason: 'Any client could list the incoming payments of every wallet address.',
  },
  failpoint: { feature: '--failpoint', exposed: false, insecure: true, reason: 'It kills the process.' },
  faults: {
    feature: 'faults',
    exposed: false,
    insecure: true,
    reason: 'The control API makes operations fail. Without permission it answers 403.',
  },
  filePassphrase: {
    feature: 'a passphrase in the world file',
    exposed: false,
    insecure: true,
    reason: 'Generated passphrases are stronger, and no file holds them.',
  },
  filePrivateKey: {
    feature: 'a private key in the world file',
    exposed: false,
    insecure: true,
    reason: 'Clients keep their keys to themselves.',
  },
  fileHttpUrl: {
    feature: 'an http URL in the world file',
    exposed: false,
    insecure: true,
    reason: 'Tokens and payments would cross the network in the clear.',
  },
  httpOrigin: {
    feature: 'an http public URL',
    exposed: false,
    insecure: true,
    reason: 'Tokens and payments would cross the network in the clear.',
  },
  plainControl: {
    feature: 'the control API without TLS',
    exposed: false,
    insecure: true,
    reason:
      'It matters only if --control-host is not loopback: the control token would cross the network in the clear.',
  },
  unlimited: {
    feature: '--rate-limits off',
    exposed: false,
    insecure: true,
    reason: 'Strangers could fill the database. By default the limits are on where this is refused.',
  },
  plainRequests: {
    feature: 'plain HTTP in requests to clients, receivers and services',
    exposed: false,
    insecure: true,
    reason: 'Others could read and change what is sent. It is never a reason not to start.',
  },
  loopbackRequests: {
    feature: 'requests to loopback addresses that clients and receivers name',
    exposed: false,
    insecure: false,
    reason:
      'Strangers could make the program call services of this machine. --allow-private-addresses allows them, and is never a reason not to start.',
  },
  records: {
    feature: 'records of whole exchanges without --record-exchanges',
    exposed: false,
    insecure: false,
    reason: 'They contain tokens, which the memory of the process would keep. It is never a reason not to start.',
  },
  shortSeed: {
    feature: `a --seed of fewer than ${MIN_EXPOSED_SECRET_LENGTH} characters`,
    exposed: false,
    insecure: false,
    reason: 'A published key reveals a short seed within seconds.',
  },
  seed: {
    feature: '--seed',
    exposed: false,
    insecure: true,
    reason: 'Ids, keys and tokens follow from the seed.',
  },
} as const satisfies Record<string, Rule>;

export type ExposureRule = keyof typeof exposureRules;

export interface Exposure {
  /** True if the rule allows it here. */
  allows(rule: ExposureRule): boolean;
}

export interface ExposureOptions {
  /** Listening addresses and hosts of public origins. */
  readonly hosts: readonly string[];
  readonly insecure: boolean;
  /** The features in use, by rule: true, or the members of the world file that use it. */
  readonly uses: Readonly<Partial<Record<ExposureRule, boolean | readonly string[]>>>;
}

/** Throws ConfigError if a feature is in use that these hosts do not allow. */
export function checkExposure({ hosts, insecure, uses }: ExposureOptions): Exposure {
  const exposed = hosts.find((host) => !isLoopback(host));
  const allows = (rule: ExposureRule): boolean =>
    exposed === undefined || exposureRules[rule][insecure ? 'insecure' : 'exposed'];
  const rules = Object.keys(exposureRules) as ExposureRule[];
  const membersOf = (rule: ExposureRule): readonly string[] => {
    const use = uses[rule];
    return typeof use === 'object' ? use : [];
  };
  const isUsed = (rule: ExposureRule): boolean => uses[rule] === true || membersOf(rule).length > 0;
  const refused = rules.filter((rule) => isUsed(rule) && !allows(rule));
  if (refused.length > 0) {
    const names = refused
      .map((rule) => {
        const members = membersOf(rule);
        return exposureRules[rule].feature + (members.length > 0 ? ` (${members.join(', ')})` : '');
      })
      .join(', ');
    const isForTests = refused.every((rule) => exposureRules[rule].insecure);
    const remedy = isForTests ? 'change that, or add --insecure if this is a test' : 'change that';
    throw new ConfigError(`${names} on ${exposed}, which is not loopback: ${remedy}`);
  }
  return { allows };
}

/** The table of `docs/exposure.md`, in Markdown. */
export const printExposureTable = (): string => {
  const cell = (allowed: boolean) => (allowed ? 'allowed' : 'refused');
  const rows = Object.values(exposureRules).map(
    ({ feature, exposed, insecure, reason }) =>
      `| ${feature} | allowed | ${cell(exposed)} | ${cell(insecure)} | ${reason} |`,
  );
  return [
    '| Feature | On loopback | Exposed | Exposed with `--insecure` | Reason |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
};
