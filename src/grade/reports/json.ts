/** The report as JSON, with the words of the catalogue, and its exchanges as NDJSON. spec/ase/report.schema.json describes it. */
import type { LevelCount, Standing } from '../../report/view.ts';
import { escapeJson } from '../../report/visible-text.ts';
import { areas, type RequirementId, requirements } from '../catalogue.ts';
import { probes } from '../probes.ts';
import type { ProbeVerdict, Report, Verdict } from '../report.ts';
import type { Level } from '../requirement.ts';
import { areaOf, citationsOf, countLevels, countProbes, standingOf } from './summary.ts';

interface JsonVerdict extends Verdict {
  /** The status, or `expected` for a violation that the baseline lists. */
  readonly standing: Standing;
  readonly area: string;
  readonly title: string;
  readonly statement: string;
  readonly fix: string;
  readonly references: readonly { readonly citation: string; readonly url: string }[];
}

interface JsonProbe extends ProbeVerdict {
  readonly name: string;
  readonly title: string;
  readonly judges: readonly RequirementId[];
}

/** A report of `touchstone grade`. It contains no secrets. */
export interface JsonReport extends Omit<Report, 'verdicts' | 'probes'> {
  /** Version of this format: a change that could break a reader increases it. */
  readonly format: 1;
  readonly summary: {
    readonly levels: Readonly<Record<Level, LevelCount>>;
    readonly probes: LevelCount;
  };
  readonly verdicts: readonly JsonVerdict[];
  readonly probes: readonly JsonProbe[];
}

export function toJsonReport({ verdicts, probes: traps, ...report }: Report): JsonReport {
  const whole = { ...report, verdicts, probes: traps };
  return {
    format: 1,
    ...report,
    summary: { levels: countLevels(whole), probes: countProbes(whole) },
    verdicts: verdicts.map((verdict) => {
      const { title, statement, fix } = requirements[verdict.id];
      const standing = standingOf(verdict);
      const area = areas[areaOf(verdict.id)];
      return { ...verdict, standing, area, title, statement, fix, references: citationsOf(verdict.id) };
    }),
    probes: traps.map((probe) => {
      const { name, title, judges } = probes[probe.id];
      return { ...probe, name, title, judges };
    }),
  };
}

export const renderJson = (report: Report): string => `${escapeJson(JSON.stringify(toJsonReport(report), null, 2))}\n`;

/** One exchange a line, in the order of their numbers. Then those of the probes, with `probe` and `round`. */
export const renderExchanges = ({ exchanges, probes: traps }: Report): string => {
  const ofProbes = traps.flatMap(({ id: probe, runs }) =>
    runs.flatMap(({ round, exchanges: own }) => own.map((exchange) => ({ probe, round, ...exchange }))),
  );
  return [...exchanges, ...ofProbes].map((exchange) => `${escapeJson(JSON.stringify(exchange))}\n`).join('');
};
