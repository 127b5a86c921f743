/** `touchstone explain`: the requirements on clients, the probes and the negative replies, from their catalogues. */
import { ConfigError, didYouMean } from '../errors.ts';
import {
  type Area,
  areaNames,
  areas,
  idsOf,
  type RequirementId,
  requirementIds,
  requirements,
} from '../grade/catalogue.ts';
import { type ProbeId, probeIds, probes, probesOf } from '../grade/probes.ts';
import { linkTo } from '../grade/references.ts';
import { deadlineSeconds, levels, type Requirement } from '../grade/requirement.ts';
import { field } from '../report/field.ts';
import { describeReply, explainReply, REPLIES } from './explain-reply.ts';
import type { Config } from './options.ts';

const PROBES = 'probes';

/** Throws ConfigError for an unknown id. */
export function printExplanation({ operands: [id], json }: Pick<Config, 'operands' | 'json'>): void {
  const reply = id === undefined ? undefined : json ? describeReply(id) : explainReply(id);
  if (reply !== undefined) {
    process.stdout.write(`${json ? JSON.stringify(reply, null, 2) : reply}\n`);
    return;
  }
  process.stdout.write(`${json ? JSON.stringify(describe(id), null, 2) : explain(id)}\n`);
}

type Subject =
  | { readonly kind: 'all' | 'probes' }
  | { readonly kind: 'area'; readonly area: Area }
  | { readonly kind: 'requirement'; readonly id: RequirementId }
  | { readonly kind: 'probe'; readonly id: ProbeId };

/** The subject of an id, in any case, or of the name of a probe. Throws ConfigError. */
function findSubject(text: string | undefined): Subject {
  if (text === undefined) return { kind: 'all' };
  const id = text.toUpperCase();
  if (Object.hasOwn(requirements, id)) return { kind: 'requirement', id: id as RequirementId };
  if (Object.hasOwn(areas, id)) return { kind: 'area', area: id as Area };
  const probe = probeIds.find((each) => each === id || probes[each].name === text.toLowerCase());
  if (probe) return { kind: 'probe', id: probe };
  if (text.toLowerCase() === PROBES) return { kind: 'probes' };
  const known = [
    ...requirementIds,
    ...areaNames,
    ...probeIds,
    ...probeIds.map((each) => probes[each].name),
    PROBES,
    REPLIES,
  ];
  const remedy = '; touchstone explain lists all ids';
  throw new ConfigError(`no requirement or probe has the id ${text.slice(0, 100)}${didYouMean(text, known) || remedy}`);
}

/** The text about a requirement, an area or a probe; without an id, the list of all. */
export function explain(text?: string): string {
  const subject = findSubject(text);
  switch (subject.kind) {
    case 'requirement':
      return explainRequirement(subject.id);
    case 'probe':
      return explainProbe(subject.id);
    case 'area':
      return [areas[subject.area], ...idsOf(subject.area).map(requirementLine)].join('\n');
    case 'probes':
      return ['Probes', ...probeIds.map((id) => `  ${id}  ${probes[id].name.padEnd(26)} ${probes[id].title}`)].join(
        '\n',
      );
    case 'all':
      return listAll();
  }
}

/** The same as data, for `--json`. */
export function describe(text?: string): object {
  const subject = findSubject(text);
  const requirement = (id: RequirementId) => ({
    id,
    area: areas[areaOf(id)],
    ...requirements[id],
    references: requirements[id].references.map((citation) => ({ citation, url: linkTo(citation) })),
    probes: probesOf(id),
  });
  const probe = (id: ProbeId) => ({ id, ...probes[id], seconds: secondsOf(id) });
  switch (subject.kind) {
    case 'requirement':
      return requirement(subject.id);
    case 'probe':
      return probe(subject.id);
    case 'area':
      return { requirements: idsOf(subject.area).map(requirement) };
    case 'probes':
      return { probes: probeIds.map(probe) };
    case 'all':
      return { requirements: requirementIds.map(requirement), probes: probeIds.map(probe) };
  }
}

const areaOf = (id: RequirementId): Area => areaNames.find((area) => id.startsWith(`${area}-`))!;

const secondsOf = (id: ProbeId): number => probes[id].seconds ?? deadlineSeconds[probes[id].deadline];

const requirementLine = (id: RequirementId): string =>
  `  ${id.padEnd(11)} ${requirements[id].level.padEnd(6)}  ${requirements[id].title}`;

function listAll(): string {
  const count = (level: string) => requirementIds.filter((id) => requirements[id].level === level).length;
  const lists = areaNames.map((area) => {
    const numbers = (level: string) =>
      idsOf(area)
        .filter((id) => requirements[id].level === level)
        .map((id) => id.slice(area.length + 1));
    const lines = levels.map((level) => [level, numbers(level)] as const).filter(([, ids]) => ids.length > 0);
    return [`${area}  ${areas[area]}`, ...lines.map(([level, ids]) => field(level, ids.join(' ')))].join('\n');
  });
  return [
    `${requirementIds.length} requirements: ${levels.map((level) => `${count(level)} ${level}`).join(', ')}; ${probeIds.length} probes`,
    ...lists,
    `${PROBES}\n${field('', probeIds.join(' '))}`,
    'touchstone explain CL-SIG lists an area, CL-SIG-01 or P01 explains one entry.\ntouchstone explain exchange 12 explains a request of a running world or of a report,\nP01/12 one of the run under a probe.\ntouchstone explain replies lists the errors that a client can provoke.',
  ].join('\n\n');
}

function explainRequirement(id: RequirementId): string {
  const {
    level,
    compat,
    levelReason,
    title,
    statement,
    why,
    references,
    evidence,
    observed,
    fix,
    broken,
  }: Requirement = requirements[id];
  const judges = probesOf(id).map((probe) => `${probe} ${probes[probe].name}`);
  return [
    `${id}  ${level}${compat ? ` (${compat} in the profile compat)` : ''}  ${title}`,
    '',
    field('what', statement),
    field('why', why),
    ...(levelReason === undefined ? [] : [field('level', levelReason)]),
    ...references.map((citation, index) => field(index === 0 ? 'reference' : '', citeWithLink(citation))),
    field('observed', observed),
    field('from', evidence.map((source) => sources[source]).join(', ')),
    ...(judges.length > 0 ? [field('probes', judges.join(', '))] : []),
    field('fix', fix),
    field('broken', broken),
  ].join('\n');
}

const sources = {
  exchange: 'single requests',
  run: 'the whole run',
  output: 'the output of the command',
  outcome: 'the outcome file',
  probe: 'probes',
} as const;

function explainProbe(id: ProbeId): string {
  const { name, title, server, armed, reached, forbidden, required, deadline, mustEnd, lawful, caution, judges, only } =
    probes[id];
  const limit = `the end of the process, at most ${secondsOf(id)} seconds after the trap was reached`;
  const silence = deadline === 'stop' ? 'silence passes' : 'silence fails';
  return [
    `${id}  ${name}  ${title}`,
    '',
    field('server', server),
    field('armed', armed),
    field('reached', reached),
    ...(forbidden ? [field('forbidden', forbidden)] : []),
    ...(required ? [field('required', required)] : []),
    field('deadline', `${limit}; ${silence}${mustEnd ? ', but a process that has to be killed fails' : ''}`),
    field('reactions', lawful),
    field('caution', caution),
    ...(only ? [field('only', only === 'tls' ? 'in worlds with TLS' : 'on demand')] : []),
    ...judges.map((judged, index) => field(index === 0 ? 'judges' : '', requirementLine(judged).trim())),
  ].join('\n');
}

const citeWithLink = (citation: string): string => {
  const link = linkTo(citation);
  return link === citation ? citation : `${citation}  ${link}`;
};
