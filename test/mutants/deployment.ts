/**
 * Mutants of how a deployment protects and tidies itself: exposure rules, secrets, private files, the lock of a data
 * directory, rate limits, load shedding, traces and retention. No client can see these from outside, so unit tests have
 * to fail.
 */
import { type Mutant, noticedBy } from './mutant.ts';

const exposureTest = 'test/world/exposure.test.ts';
const lockTest = 'test/database/directory-lock.test.ts';
const limitsTest = 'test/http/rate-limits.test.ts';
const retentionTest = 'test/world/retention.test.ts';

const provisioning: readonly Mutant[] = noticedBy('test/world/provision.test.ts', 'src/world/provision.ts', [
  {
    id: 'provisioning.another-origin',
    title: 'at another origin',
    at: 'if («url !== undefined && url !== options.origin + path») throw',
    by: 'false',
  },
]);

const exposure: readonly Mutant[] = [
  ...noticedBy(exposureTest, 'src/world/exposure.ts', [
    {
      id: 'exposure.everything-allowed',
      title: 'each rule is refused',
      at: "exposed === undefined || «exposureRules[rule][insecure ? 'insecure' : 'exposed']»;",
      by: 'true',
    },
    {
      id: 'exposure.first-host-only',
      title: 'each rule is refused',
      at: '= «hosts.find((host) => !isLoopback(host))»;',
      by: 'hosts.slice(0, 1).find((host) => !isLoopback(host))',
    },
  ]),
  ...noticedBy(exposureTest, 'src/world/world.ts', [
    {
      id: 'exposure.consent-without-sign-in',
      title: 'without --sign-in',
      at: "«consent === 'manual' && serves.includes('identity-provider') && !(options.signIn || definition.signIn)»,",
      by: 'false',
    },
    {
      id: 'exposure.plain-control',
      title: 'the control API without TLS',
      at: "plainControl: «!isLoopback(host.controlHost) && host.controlUrl.startsWith('http:')»,",
      by: 'false',
    },
    {
      id: 'exposure.control-host-ignored',
      title: 'the control API without TLS',
      at: 'hosts: [host.host, «host.controlHost»,',
      by: "'localhost'",
    },
    {
      id: 'exposure.short-secret-exposed',
      title: 'a control token or peer secret',
      at: 'shortSecret: «isShortSecret(controlToken) || isShortSecret(peerSecret)»,',
      by: 'false',
    },
    { id: 'exposure.short-seed', title: 'a --seed of fewer', at: 'shortSeed: «isShortSecret(seed)»,', by: 'false' },
    {
      id: 'exposure.empty-seed',
      title: '--seed is empty',
      at: "if («seed === ''») throw new ConfigError('--seed is empty",
      by: 'false',
    },
  ]),
  ...noticedBy(exposureTest, 'src/world/runtime.ts', [
    {
      id: 'exposure.consent-switched-on-later',
      title: 'the control API cannot',
      at: "clock, «exposure.allows('automaticConsent')»)",
      by: 'true',
    },
  ]),
  ...noticedBy(exposureTest, 'src/crypto/secret-strength.ts', [
    {
      id: 'exposure.short-secret-at-start',
      title: 'is too short',
      at: 'if («secret !== undefined && secret.length < MIN_SECRET_LENGTH») {',
      by: 'false',
    },
    {
      id: 'exposure.empty-secret-at-start',
      title: '-secret is empty',
      at: 'if («secret !== undefined && secret.length < MIN_SECRET_LENGTH») {',
      by: 'secret && secret.length < MIN_SECRET_LENGTH',
    },
  ]),
  ...noticedBy(exposureTest, 'src/crypto/secret-digest.ts', [
    {
      id: 'exposure.empty-secret-authenticates',
      title: 'an empty secret authenticates nothing',
      at: 'if («!secret || !digest») return false;',
      by: 'false',
    },
  ]),
];

const files: readonly Mutant[] = [
  ...noticedBy(lockTest, 'src/database/directory-lock.ts', [
    { id: 'directory-lock.not-taken', title: 'the lock of another', at: 'if («!tryLock(file.fd)») {', by: 'false' },
    {
      // A process id in the file says nothing about who holds the lock.
      id: 'directory-lock.by-process-id',
      title: 'a file that a dead',
      at: 'if («!tryLock(file.fd)») {',
      by: "!tryLock(file.fd) || Number(await file.readFile('utf8')) > 0",
    },
    {
      id: 'directory-lock.free-without-process-id',
      title: 'the lock of another',
      at: 'if («!tryLock(file.fd)») {',
      by: "!tryLock(file.fd) && Number(await file.readFile('utf8')) > 1",
    },
    {
      id: 'directory-lock.kept-after-release',
      title: 'the directory is made',
      at: 'return () => «file.close()»;',
      by: 'Promise.resolve()',
    },
  ]),
  ...noticedBy(lockTest, 'src/net/private-files.ts', [
    { id: 'private-files.open-directory', at: 'await mkdir(directory, { mode: «0o700» })', by: '0o755' },
    { id: 'private-files.modes-ignored', at: 'if («(mode & FOREIGN_BITS) === 0») return;', by: 'true' },
    {
      id: 'private-files.modes-of-others-only',
      at: 'if («(mode & FOREIGN_BITS) === 0») return;',
      by: '(mode & 7) === 0',
    },
    {
      id: 'private-files.directory-link-followed',
      at: '= await «lstat(directory)».catch(fail)',
      by: '(await import("node:fs/promises")).stat(directory)',
    },
    {
      id: 'private-files.file-link-followed',
      at: 'open(file, «O_RDWR | O_CREAT | O_NOFOLLOW»,',
      by: 'O_RDWR | O_CREAT',
    },
    { id: 'private-files.open-content', at: "open(temporary, 'wx', «0o600»)", by: '0o644' },
    {
      id: 'private-files.written-in-place',
      at: 'await «rename(temporary, file)»;',
      by: "(await import('node:fs/promises')).writeFile(file, content)",
    },
  ]),
];

const tracing: readonly Mutant[] = noticedBy('test/world/traces.test.ts', 'src/telemetry/otlp.ts', [
  {
    id: 'traces.any-endpoint',
    title: 'is not the URL of a collector',
    at: "if («!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')») {",
    by: 'false',
  },
  {
    id: 'traces.end-waits-for-the-collector',
    title: 'the end does not wait',
    at: 'await Promise.race([provider.shutdown(), «delay(flushMs, undefined, { ref: false })»]);',
    by: 'provider.shutdown()',
  },
  {
    id: 'traces.failures-unnamed',
    title: 'a collector that refuses is named',
    at: 'if («hasFailed && !isFailing») log',
    by: 'false',
  },
]);

const traces: readonly Mutant[] = noticedBy('test/world/traces.test.ts', 'src/http/router.ts', [
  {
    id: 'traces.path-of-a-request',
    title: 'without secrets or persons',
    at: "'http.route': «route.path»",
    by: "res.req.url ?? ''",
  },
]);

const shedding: readonly Mutant[] = noticedBy('test/http/load-shedding.test.ts', 'src/http/load-shedding.ts', [
  {
    id: 'load-shedding.never',
    title: 'a statement that takes more than 50 ms',
    at: 'if («delay() > MAX_DELAY_MS») return',
    by: 'false',
  },
  {
    id: 'load-shedding.of-few-requests',
    title: 'few requests in progress',
    at: 'if («inProgress >= MIN_IN_PROGRESS») {',
    by: 'true',
  },
  {
    id: 'load-shedding.running-probe-ignored',
    title: 'a statement that takes more than 50 ms',
    at: '(isProbing ? «Math.max(now() - startedAt, lastDelay)» : lastDelay);',
    by: 'lastDelay',
  },
  {
    id: 'load-shedding.last-probe-ignored',
    title: 'a statement that takes more than 50 ms',
    at: '(isProbing ? «Math.max(now() - startedAt, lastDelay)» : lastDelay);',
    by: 'now() - startedAt',
  },
  {
    id: 'load-shedding.never-recovers',
    title: 'a result is forgotten a second after',
    at: 'if («now() - startedAt > lastDelay + RESULT_LIFETIME_MS») lastDelay = 0;',
    by: 'false',
  },
  {
    id: 'load-shedding.requests-never-end',
    title: 'requests that end make room at once',
    at: '«inProgress -= 1»;',
    by: 'inProgress -= 0',
  },
]);

const limits: readonly Mutant[] = [
  ...noticedBy(limitsTest, 'src/net/network-of.ts', [
    {
      id: 'rate-limits.each-ipv6-address',
      title: 'a network is',
      at: 'if («!isIPv6(address)») return address;',
      by: 'true',
    },
  ]),
  ...noticedBy(limitsTest, 'src/http/rate-limits.ts', [
    {
      id: 'rate-limits.ignored',
      title: 'two processes share',
      at: 'await «consume(`${ase} ${subject}`, points)»;',
      by: 'undefined',
    },
    {
      id: 'rate-limits.one-counter-for-all',
      title: 'two processes share',
      at: 'consume(«`${ase} ${subject}`», points)',
      by: 'ase',
    },
    {
      id: 'rate-limits.one-counter-for-all-ases',
      title: 'two processes share',
      at: 'consume(«`${ase} ${subject}`», points)',
      by: 'subject',
    },
    {
      id: 'rate-limits.per-process',
      title: 'two processes share',
      at: 'limiter.consume(«subject.slice(0, MAX_SUBJECT_LENGTH)», consumed)',
      by: '(counters.process ??= process.hrtime.bigint()) + subject',
    },
    {
      id: 'rate-limits.bytes-count-as-requests',
      title: 'two processes share',
      at: "limit.unit === 'bytes' ? «bytes» : 1;",
      by: '1',
    },
    {
      id: 'rate-limits.address-from-the-client',
      title: 'two processes share',
      at: 'forwarded.at(«-trustedProxies»)',
      by: '0',
    },
    {
      id: 'rate-limits.untrusted-header',
      title: 'two processes share',
      at: 'if («trustedProxies === 0») return connected;',
      by: 'req.headers["x-forwarded-for"] === undefined',
    },
  ]),
  {
    id: 'rate-limits.not-applied',
    title: 'servers answer 429',
    file: 'src/http/router.ts',
    at: 'await «context.limits?.checkAddress(req, operationId, body.length)»;',
    by: 'undefined',
    also: [
      {
        file: 'src/http/pipeline.ts',
        at: 'await «limits?.checkKey(thumbprint, route.operationId, exchange.body.length)»;',
        by: 'undefined',
      },
    ],
    test: limitsTest,
  },
];

/** Tables whose old rows the test looks for, with a rule in `src/world/retention.ts`, which must not be loaded before its mutants are in it. */
const temporaryTables = [
  'quote',
  'access_token',
  'gnap_grant',
  'webhook_event',
  'outgoing_packet',
  'incoming_packet',
  'idempotency_key',
  'signature_nonce',
];

const retention: readonly Mutant[] = noticedBy(retentionTest, 'src/world/retention.ts', [
  ...temporaryTables.map((table) => ({
    id: `retention.${table.replaceAll('_', '-')}-stays`,
    at: 'condition } of «retentionRules») {',
    by: `retentionRules.filter(({ table }) => table !== '${table}')`,
  })),
  {
    id: 'retention.abandoned-grants-stay',
    title: 'grants without a token',
    at: "and r.finalization is distinct from «'issued'»",
    by: 'r.finalization',
  },
  {
    id: 'retention.sweep-stops-at-its-first-slice',
    title: 'each run goes on',
    at: 'const isBehind = «behind ? sql`and (${columns}) > (${sql.join(behind)})` : sql``»;',
    by: 'sql``',
  },
  {
    id: 'retention.at-once',
    title: 'rows stay',
    at: 'condition(toInstant(«now - days * DAY_MS»))',
    by: 'now',
  },
  {
    id: 'retention.answers-go-before-their-copies',
    title: 'the answer to a packet',
    at: 'condition: (before) => «sql`greatest(r.booked_at, r.expires_at) < ${before}::timestamptz`»,',
    by: 'sql`r.booked_at < ${before}::timestamptz`',
  },
  {
    id: 'retention.keys-go-by-the-business-clock',
    title: 'an idempotency key',
    at: "key: ['client_id', 'operation', 'key'],\n    clock: «'wall'»",
    by: "'business'",
  },
  {
    id: 'retention.counters-stay',
    title: 'counters of rate limits',
    at: ".where('expire', '<', «String(wallNow)»)",
    by: "'0'",
  },
  {
    id: 'retention.dead-worlds-stay',
    title: 'the worlds of a killed',
    at: ".where('alive_until', '<', «toInstant(wallNow)»)",
    by: 'toInstant(0)',
  },
  {
    id: 'retention.live-worlds-go',
    title: 'the worlds of a killed',
    at: 'set({ alive_until: toInstant(«wallNow + WORLD_LEASE_MS») })',
    by: 'wallNow - 1',
  },
]);

export const deploymentMutants: readonly Mutant[] = [
  ...provisioning,
  ...exposure,
  ...files,
  ...limits,
  ...tracing,
  ...traces,
  ...shedding,
  ...retention,
];
