/**
 * `node test/grade/selftest/main.ts [--only PATTERN]`: each broken client violates the requirement that it is made for,
 * and no other outside its declared group; the good client violates none. Exit status: 0 if so, else 1.
 */
import { parseArgs } from 'node:util';
import pino from 'pino';
import { broken } from '../../../conformance/clients/broken/index.ts';
import { type RequirementId, requirementIds, requirements } from '../../../src/grade/catalogue.ts';
import type { Verdict } from '../../../src/grade/report.ts';
import type { ProfileName } from '../../../src/profile.ts';
import { createDeployment } from '../../../src/world/deployment.ts';
import { consequences, onlyInProbes, scenarios } from './consequences.ts';
import { type GradedClient, gradeClient } from './grade-client.ts';

const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, verbose: { type: 'boolean', default: false } },
});
const only = new RegExp(options.only);
const CONCURRENCY = 4;

/** Requirements that a usual run can show, so that their broken clients need no misbehaving server. */
const isPassive = (id: RequirementId): boolean =>
  requirements[id].evidence.some((evidence) => ['exchange', 'run', 'output'].includes(evidence));

const violated = (verdicts: readonly Verdict[]): RequirementId[] =>
  verdicts.filter(({ status }) => ['fail', 'warning', 'note'].includes(status)).map(({ id }) => id);

const deployment = await createDeployment({
  host: '127.0.0.1',
  controlPort: 0,
  database: { kind: 'embedded' },
  insecure: false,
  log: pino({ level: 'silent' }),
});

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

const passive = requirementIds.filter(
  (id) => isPassive(id) && broken[id] && !onlyInProbes.includes(id) && only.test(id),
);
const queue: (() => Promise<void>)[] = [
  ...(['strict', 'compat'] as const).map((profile: ProfileName) => async () => {
    judge(`good client, ${profile}`, undefined, await gradeClient(deployment, profile, {}));
  }),
  ...passive.map(
    (id) => async () =>
      judge(id, id, await gradeClient(deployment, 'strict', { ...scenarios[id], change: broken[id] })),
  ),
];
const clients = queue.length;
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await next();
  }),
);
await deployment.close();

const without = requirementIds.filter((id) => isPassive(id) && !broken[id]);
if (without.length > 0) problems.push(`no broken client for ${without.join(', ')}`);
for (const problem of problems.sort()) process.stdout.write(`${problem}\n`);
process.stdout.write(
  `requirements ${passive.length} · clients ${clients} · fired ${fired} · missed ${missed} · false alarms ${falseAlarms}\n`,
);
process.stdout.write(`${clients - problems.length} passed, ${problems.length} failed\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
