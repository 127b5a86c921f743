/** Findings of schemathesis, from its NDJSON report, and those that the baseline explains. */
import { readFileSync } from 'node:fs';
import { FAILSAFE_SCHEMA, load } from 'js-yaml';

export interface Finding {
  /** Such as `POST /quotes`. */
  readonly operation: string;
  /** Name of the failure, such as `RejectedPositiveData`. */
  readonly type: string;
  readonly message: string;
  readonly status: number | undefined;
  /** Description in the error of the answer; empty without one. */
  readonly description: string;
  /** Method, URL and content of the first request. */
  readonly example: string;
}

export interface KnownFinding {
  readonly operation: string;
  readonly type: string;
  /** Regular expression for the description. Absent: any. */
  readonly description?: string;
  /** Regular expression for the request, as `Finding.example` shows it. Absent: any. */
  readonly request?: string;
  /** The section of docs/interpretations.md that explains it. */
  readonly interpretation: string;
}

interface Body {
  readonly $base64?: string;
}

interface Recorder {
  readonly label: string;
  readonly checks: Readonly<
    Record<string, readonly { readonly status: string; readonly failure_info?: FailureInfo }[]>
  >;
  readonly interactions?: Readonly<
    Record<
      string,
      {
        readonly request: { readonly method: string; readonly uri: string; readonly body?: Body | null };
        readonly response?: { readonly status_code: number; readonly content?: Body | null } | null;
      }
    >
  >;
}

interface FailureInfo {
  readonly failure: {
    readonly type: string;
    readonly title: string;
    readonly message: string;
    readonly operation?: string;
  };
}

/** Different findings, each with its first example. */
export function readFindings(ndjson: string): { readonly findings: readonly Finding[]; readonly requests: number } {
  const findings = new Map<string, Finding>();
  let requests = 0;
  for (const line of ndjson.split('\n').filter((each) => each !== '')) {
    const { recorder } = (JSON.parse(line) as { ScenarioFinished?: { recorder: Recorder } }).ScenarioFinished ?? {};
    if (!recorder) continue;
    const { checks: all = {}, interactions = {} } = recorder;
    requests += Object.keys(interactions).length;
    for (const [id, checks] of Object.entries(all)) {
      for (const { status, failure_info: info } of checks) {
        if (status !== 'failure' || !info) continue;
        const finding = describeFinding(recorder, id, info);
        const key = [finding.operation, finding.type, finding.status, finding.description].join('\n');
        if (!findings.has(key)) findings.set(key, finding);
      }
    }
  }
  return { findings: [...findings.values()], requests };
}

/** Characters of an example. */
const MAX_CONTENT = 800;

function describeFinding({ label, interactions = {} }: Recorder, id: string, { failure }: FailureInfo): Finding {
  const { request, response } = interactions[id] ?? {};
  const content = request ? decode(request.body).slice(0, MAX_CONTENT) : '';
  return {
    operation: failure.operation ?? label,
    type: failure.type,
    message: [failure.title, failure.message].filter((text) => text !== '').join(': '),
    status: response?.status_code,
    description: parseDescription(decode(response?.content)),
    example: request ? `${request.method} ${request.uri} ${content}`.trim() : '',
  };
}

const decode = (body: Body | null | undefined): string => Buffer.from(body?.$base64 ?? '', 'base64').toString('utf8');

function parseDescription(text: string): string {
  try {
    return String(JSON.parse(text)?.error?.description ?? '');
  } catch {
    return '';
  }
}

/** Throws for an entry without an interpretation that exists. */
export function readKnownFindings(file: URL, interpretations: string): KnownFinding[] {
  const entries = load(readFileSync(file, 'utf8'), { schema: FAILSAFE_SCHEMA }) as KnownFinding[];
  for (const { operation, type, interpretation } of entries) {
    if (!/^OPI-\d{3}$/.test(interpretation) || !interpretations.includes(`## ${interpretation} `))
      throw new Error(`the baseline explains ${type} of ${operation} by ${interpretation}, which does not exist`);
  }
  return entries;
}

export const isExplained = (finding: Finding, known: KnownFinding): boolean =>
  (known.operation === '*' || known.operation === finding.operation) &&
  known.type === finding.type &&
  (known.description === undefined || new RegExp(known.description).test(finding.description)) &&
  (known.request === undefined || new RegExp(known.request).test(finding.example));
