/**
 * `node test/grade/selftest/main.ts [--only PATTERN]`: each broken client violates the requirement that it is made for,
 * and no other outside its declared group; the good client violates none. The same under probes. Exit status: 0 if so,
 * else 1.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { broken } from '../../../conformance/clients/broken/index.ts';
import { type RequirementId, requirementIds, requirements } from '../../../src/grade/catalogue.ts';
import type { Verdict } from '../../../src/grade/report.ts';
import { serverUserAgent } from '../../../src/net/outbound.ts';
import { openTls, type Tls } from '../../../src/net/tls.ts';
import type { ProfileName } from '../../../src/profile.ts';
import { createDeployment } from '../../../src/world/deployment.ts';
import { consequences, onlyInProbes, onlyWithTls, scenarios } from './consequences.ts';
import { type GradedClient, gradeClient } from './grade-client.ts';
import type { Place } from './probe-client.ts';
import { planProbeTasks } from './probes.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, verbose: { type: 'boolean', default: false } },
});
const only = new RegExp(options.only);
const CONCURRENCY = 4;
/** Clients under probes wait most of the time. */
const PROBE_CONCURRENCY = 8;

/** Requirements that a usual run can show, so that their broken clients need no misbehaving server. */
const isPassive = (id: RequirementId): boolean =>
  requirements[id].evidence.some((evidence) => ['exchange', 'run', 'output'].includes(evidence));

const violated = (verdicts: readonly Verdict[]): RequirementId[] =>
  verdicts.filter(({ status }) => ['fail', 'warning', 'note'].includes(status)).map(({ id }) => id);

const deploy = (tls?: Tls) =>
  createDeployment({
    host: '127.0.0.1',
    controlPort: 0,
    database: { kind: 'embedded' },
    insecure: false,
    log: pino({ level: 'silent' }),
    ...(tls && { tls }),
  });
const directory = await mkdtemp(join(tmpdir(), 'selftest-'));
const tls = await openTls({ directory });
const places = {
  plain: { deployment: await deploy() },
  tls: { deployment: await deploy(tls), authority: await readFile(tls.authorityFile!, 'utf8') },
};

const problems: string[] = [];
let fired = 0;
let missed = 0;
let falseAlarms = 0;

function judge(
  name: string,
  own: RequirementId | undefined,
  { verdicts, broken: reasons, stopped }: GradedClient,
): void {
  const ids = violated(verdicts);
  const allowed = own ? [own, ...(consequences[own] ?? [])] : [];
  const alarms = ids.filter((id) => !allowed.includes(id));
  if (own && ids.includes(own)) fired += 1;
  else if (own) missed += 1;
  falseAlarms += alarms.length;
  const details = [
    ...(own && !ids.includes(own) ? ['was missed'] : []),
    ...(alarms.length > 0 ? [`also violated ${alarms.join(', ')}`] : []),
    ...reasons,
  ];
  if (options.verbose) {
    for (const { id, findings } of verdicts) {
      if (ids.includes(id)) process.stdout.write(`${name}: ${id} ${JSON.stringify(findings.slice(0, 2))}\n`);
    }
  }
  if (details.length > 0) problems.push(`${name}: ${details.join('; ')}${stopped ? ` (${stopped})` : ''}`);
}

const placeOf = (id: RequirementId): Place => (onlyWithTls.includes(id) ? places.tls : places.plain);

const passive = requirementIds.filter(
  (id) => isPassive(id) && broken[id] && !onlyInProbes.includes(id) && only.test(id),
);
const queue: (() => Promise<void>)[] = [
  ...(['strict', 'compat'] as const).map((profile: ProfileName) => async () => {
    judge(`good client, ${profile}`, undefined, await gradeClient(places.plain, profile, {}));
  }),
  async () => judge('good client, TLS', undefined, await gradeClient(places.tls, 'strict', {})),
  ...passive.map(
    (id) => async () =>
      judge(id, id, await gradeClient(placeOf(id), 'strict', { ...scenarios[id], change: broken[id] })),
  ),
];
if (only.test('CL-SIG-01'))
  queue.push(async () => judge('CL-SIG-01, disguised as a server', 'CL-SIG-01', await gradeDisguised()));
const clients = queue.length;
await runAll(queue, CONCURRENCY);

/** A server of the world is not judged, but a client that sends its User-Agent is. */
function gradeDisguised(): Promise<GradedClient> {
  return gradeClient(places.plain, 'strict', {
    change(client, steps) {
      broken['CL-SIG-01']!(client, steps);
      const { send } = client.transport;
      client.transport.send = (message) => {
        message.headers.set('user-agent', serverUserAgent);
        return send(message);
      };
    },
  });
}

const { figures, tasks } = await planProbeTasks(
  places,
  only,
  (line) => void (options.verbose && process.stdout.write(`${line}\n`)),
);
await runAll(tasks, PROBE_CONCURRENCY);
await Promise.all(Object.values(places).map(({ deployment }) => deployment.close()));
await rm(directory, { recursive: true });
problems.push(...figures.problems);

async function runAll(waiting: (() => Promise<void>)[], concurrency: number): Promise<void> {
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

const without = requirementIds.filter((id) => isPassive(id) && !broken[id]);
if (without.length > 0) problems.push(`no broken client for ${without.join(', ')}`);
for (const problem of problems.sort()) process.stdout.write(`${problem}\n`);
process.stdout.write(
  `requirements ${passive.length} · clients ${clients} · fired ${fired} · missed ${missed} · false alarms ${falseAlarms}\n` +
    `probes ${figures.probes} · clients ${figures.clients} · runs ${figures.runs} · fired ${figures.fired} · ` +
    `missed ${figures.missed} · false alarms ${figures.falseAlarms}\n`,
);
const total = clients + figures.clients;
process.stdout.write(`${total - problems.length} passed, ${problems.length} failed\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
