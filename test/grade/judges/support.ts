/** Runs a judge over a few exchanges that are made without a server, and compares its findings with a table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import { gradeExchange } from '../../../src/grade/grade-exchange.ts';
import type { GradedAse } from '../../../src/grade/graded-exchange.ts';
import type { Finding, Outcome, Run, RunEnd } from '../../../src/grade/judge.ts';
import { judges } from '../../../src/grade/judges.ts';
import { createKnownKeys } from '../../../src/grade/known-keys.ts';
import { createRunState } from '../../../src/grade/run-state.ts';
import { listKeyForms } from '../../../src/grade/state/secrets.ts';
import { type ProfileName, selectProfile } from '../../../src/profile.ts';
import { ases as defaultAses, type ExchangeParts, start, traced } from '../traced.ts';

export interface Scene {
  readonly exchanges: readonly ExchangeParts[];
  readonly profile?: ProfileName;
  readonly ases?: readonly GradedAse[];
  readonly output?: string;
  readonly privateKeys?: readonly string[];
}

/** Findings about a run. Exchanges are numbered from 1 and are 10 ms apart unless they say otherwise. */
export function findingsOf(id: RequirementId, scene: Scene): Finding[] {
  const { exchanges, profile = 'strict', ases = defaultAses, output = '', privateKeys = [] } = scene;
  const switches = selectProfile(profile);
  const run: Run = { profile, switches, ases, privateKeys: privateKeys.flatMap(listKeyForms), state: createRunState() };
  const known = createKnownKeys();
  const judge = judges[id];
  const findings: Finding[] = [];
  exchanges.forEach((parts, i) => {
    const number = i + 1;
    const recorded = traced({ id: number, at: i * 10, ...parts });
    known.observe(recorded);
    const context = { switches, origins: [], secrets: [], knownKeys: known.keysFor };
    const exchange = gradeExchange(recorded, context);
    for (const finding of [judge.exchange?.(exchange, run) ?? []].flat())
      findings.push({ exchange: number, ...finding });
    run.state.observe(exchange);
  });
  const end: RunEnd = { at: start + 60_000, output, privateKeys };
  findings.push(...[judge.end?.(run, end) ?? []].flat());
  return findings;
}

type Named = Readonly<Record<string, Scene | readonly ExchangeParts[]>>;

/** Runs by the worst finding that they lead to; `silent` leads to none, not even a pass. */
export interface Row {
  readonly pass: Named;
  readonly violation?: Named;
  readonly weak?: Named;
  readonly tolerated?: Named;
  readonly silent?: Named;
}

type Worst = Outcome | 'tolerated' | 'silent';

/** One test for each requirement. A detail is a sentence without any of the texts in `secrets`. */
export function testJudges(rows: Partial<Record<RequirementId, Row>>, secrets: readonly string[]): void {
  for (const [id, row] of Object.entries(rows) as [RequirementId, Row][]) {
    test(`${id} fires for violations only`, () => {
      for (const [expected, scenes] of Object.entries(row) as [Worst, Named][]) {
        for (const [title, scene] of Object.entries(scenes)) {
          const findings = findingsOf(id, 'exchanges' in scene ? scene : { exchanges: scene });
          assert.equal(worstOf(findings), expected, `${title}: ${JSON.stringify(findings)}`);
          for (const finding of findings) checkTexts(finding, secrets, title);
        }
      }
    });
  }
}

function worstOf(findings: readonly Finding[]): Worst {
  const outcomes = findings.map(({ outcome, tolerated }) => (tolerated ? 'tolerated' : outcome));
  return (
    (['violation', 'weak', 'tolerated', 'pass'] as const).find((outcome) => outcomes.includes(outcome)) ?? 'silent'
  );
}

function checkTexts(finding: Finding, secrets: readonly string[], title: string): void {
  const { outcome, detail, expected, actual } = finding;
  if (outcome !== 'pass') {
    assert.match(detail ?? '', /^[A-Z`].{10,}\.$/s, title);
    assert.ok(finding.exchange !== undefined || /output/.test(detail!), `${title}: no exchange`);
  }
  const shown = [detail, expected, actual].join('\n');
  for (const secret of secrets) assert.ok(!shown.includes(secret), `${title}: shows ${secret}`);
}
