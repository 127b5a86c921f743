/** The file of `--baseline`: known violations with their reasons, in YAML or JSON. */
import { readFile } from 'node:fs/promises';
import { dump, FAILSAFE_SCHEMA, load } from 'js-yaml';
import { ConfigError, didYouMean } from '../../errors.ts';
import { requirementIds } from '../../grade/catalogue.ts';
import type { BaselineEntry } from '../../grade/conclusion.ts';
import { type ProbeId, probeIds } from '../../grade/probes.ts';
import type { Report, Verdict } from '../../grade/report.ts';
import { casesOf } from '../../grade/reports/summary.ts';

/** Throws ConfigError with the first mistake. */
export async function readBaseline(file: string): Promise<BaselineEntry[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`--baseline cannot read ${file} (${error.code})`);
  });
  return parseBaseline(text, file);
}

/** `source` names the file in messages. Throws ConfigError. */
export function parseBaseline(text: string, source: string): BaselineEntry[] {
  const entries = parseYaml(text, source);
  if (!Array.isArray(entries)) throw new ConfigError(`${source} is not a list of entries with id and reason`);
  const parsed = entries.map((entry, index) => parseEntry(entry, `${source}: entry ${index + 1}`));
  const ids = parsed.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw new ConfigError(`${source} lists ${repeated} twice: merge the entries`);
  return parsed;
}

function parseYaml(text: string, source: string): unknown {
  try {
    // An empty file lists nothing.
    return load(text, { schema: FAILSAFE_SCHEMA }) ?? [];
  } catch (error) {
    throw new ConfigError(`${source} is not YAML: ${(error as Error).message.split('\n', 1)[0]}`);
  }
}

function parseEntry(entry: unknown, place: string): BaselineEntry {
  if (typeof entry !== 'object' || entry === null) throw new ConfigError(`${place} has no id and reason`);
  const { id, reason, probes, ...others } = entry as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new ConfigError(`${place} has a member ${unknown}${didYouMean(unknown, ['id', 'reason', 'probes'])}`);
  }
  if (typeof reason !== 'string' || reason.trim() === '') {
    throw new ConfigError(`${place} has no reason: say why the violation is expected`);
  }
  const known = <Id extends string>(value: unknown, ids: readonly Id[]): Id => {
    const found = ids.find((each) => each === value);
    if (found !== undefined) return found;
    const name = typeof value === 'string' ? value.slice(0, 100) : 'a value that is not text';
    throw new ConfigError(`${place} has the unknown id ${name}${didYouMean(name, ids)}`);
  };
  if (probes !== undefined && !Array.isArray(probes)) throw new ConfigError(`${place}: probes is not a list`);
  return {
    id: known(id, requirementIds),
    reason,
    ...(probes !== undefined && { probes: probes.map((probe) => known<ProbeId>(probe, probeIds)) }),
  };
}

/** The violations of a run as a file. Reasons that the earlier baseline gave stay. */
export function printBaseline(report: Report, earlier: readonly BaselineEntry[]): string {
  const entries = report.verdicts
    .filter(({ status }) => status === 'fail')
    .map((verdict) => earlier.find(({ id }) => id === verdict.id) ?? describeViolation(report, verdict));
  const list = entries.length === 0 ? '[]\n' : dump(entries, { schema: FAILSAFE_SCHEMA, lineWidth: 120 });
  return `# Expected violations for touchstone grade --baseline. Replace each reason with yours.\n${list}`;
}

function describeViolation(report: Report, verdict: Verdict): BaselineEntry {
  const { id, probes } = verdict;
  const failed = probes.filter(({ result }) => result === 'fail').map((probe) => probe.id);
  return {
    id,
    reason: casesOf(report, verdict)[0]?.detail ?? 'known violation',
    ...(failed.length > 0 && { probes: failed }),
  };
}
