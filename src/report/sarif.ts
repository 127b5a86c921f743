/**
 * SARIF 2.1.0, for code scanning: a rule for each requirement or check, and a result for each that is not met. An
 * exchange has no file, so a result points to its line in the file of exchanges and carries request and answer (§3.46,
 * §3.47).
 */
import type { Location, Log, ReportingDescriptor, Result, WebRequest, WebResponse } from 'sarif';
import {
  isLink,
  type Rule,
  type ShownExchange,
  type ShownVerdict,
  type Standing,
  type View,
  verdictsOf,
} from './view.ts';
import { escapeJson, shorten, visible } from './visible-text.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const INFORMATION = 'https://openpayments.dev';
const MAX_MESSAGE = 1000;
const levelNames = { fail: 'error', warning: 'warning', note: 'note' } as const;
const reported: readonly Standing[] = ['fail', 'warning', 'note', 'expected'];

/** `exchangesFile` is the name of the NDJSON file beside this one. */
export function renderSarif(view: View, exchangesFile: string): string {
  const log: Log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Touchstone',
            version: view.version,
            semanticVersion: view.version,
            informationUri: INFORMATION,
            rules: view.rules.map((rule) => ruleOf(view, rule)),
          },
        },
        automationDetails: { id: `touchstone/${view.profile}/${view.requirements}/` },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: view.result !== 'broken',
            startTimeUtc: view.startedAt,
            ...(view.target !== '' && { commandLine: visible(view.target), exitCodeDescription: endText(view) }),
          },
        ],
        results: reported
          .flatMap((standing) => verdictsOf(view, standing))
          .map((verdict) => resultOf(view, verdict, exchangesFile)),
      },
    ],
  };
  return `${escapeJson(JSON.stringify(log, null, 2))}\n`;
}

const endText = ({ reasons, result }: View): string => visible(shorten([result, ...reasons].join('; '), MAX_MESSAGE));

function ruleOf({ verdicts, levels, areas }: View, rule: Rule): ReportingDescriptor {
  const { id, title, statement, why, fix, references, area } = rule;
  const judged = verdicts.find((verdict) => verdict.rule.id === id)?.level ?? rule.level;
  const link = references.find(({ url }) => isLink(url));
  const weight = levels.find(({ name }) => name === judged)?.weight ?? 'note';
  const [, areaTitle = area] = areas.find(([name]) => name === area) ?? [];
  return {
    id,
    name: id.replaceAll(/[-.]/g, ''),
    shortDescription: { text: title },
    fullDescription: { text: `${statement} ${why}`.trim() },
    ...(link && { helpUri: link.url }),
    help: {
      text: [fix, ...references.map(({ citation, url }) => (citation === url ? url : `${citation}: ${url}`))].join(
        '\n',
      ),
    },
    defaultConfiguration: { level: levelNames[weight] },
    properties: { tags: ['open-payments', areaTitle.toLowerCase()], level: judged },
  };
}

function resultOf(view: View, verdict: ShownVerdict, exchangesFile: string): Result {
  const { status, expected, violations, applied, cases } = verdict;
  const { id } = verdict.rule;
  const first = cases[0];
  const exchange = view.exchanges.find((each) => each.id === first?.exchange);
  const numbers = [...new Set(cases.flatMap((each) => each.exchange ?? []))];
  return {
    ruleId: id,
    ruleIndex: view.rules.findIndex((rule) => rule.id === id),
    kind: 'fail',
    level: status === 'fail' ? 'error' : status === 'warning' ? 'warning' : 'note',
    message: { text: messageText(verdict) },
    occurrenceCount: Math.max(violations, 1),
    locations: [locationOf(view, first?.exchange, exchangesFile)],
    relatedLocations: numbers
      .slice(1)
      .map((number, index) => ({ id: index + 1, ...locationOf(view, number, exchangesFile) })),
    partialFingerprints: { 'requirement/v1': [id, ...verdict.fingerprint].join('/') },
    ...(exchange && { webRequest: webRequestOf(exchange) }),
    ...(exchange?.response && { webResponse: webResponseOf(exchange, exchange.response) }),
    ...(expected !== undefined &&
      verdict.standing === 'expected' && {
        suppressions: [
          { kind: 'external', status: 'accepted', justification: visible(shorten(expected, MAX_MESSAGE)) },
        ] as const,
      }),
    properties: { applied, violations },
  } as Result;
}

function messageText({ rule, cases }: ShownVerdict): string {
  const { title, fix } = rule;
  const [first] = cases;
  const value = (label: string, text: string | undefined) => (text === undefined ? [] : [`${label} ${text}`]);
  const evidence = first && [
    first.detail,
    ...value('expected', first.expected),
    ...value('actual', first.actual),
    ...(first.firstDifference === undefined ? [] : [`first difference at byte ${first.firstDifference}`]),
  ];
  return [
    `${title}.`,
    ...(evidence ? [`${escapeMessage(visible(shorten(evidence.join('; '), MAX_MESSAGE)))}.`] : []),
    fix,
  ].join(' ');
}

/** Brackets begin a link, and braces a placeholder, in the text of a message (§3.11.5, §3.11.6). */
const escapeMessage = (text: string): string =>
  text.replaceAll(/[\\[\]]/g, (character) => `\\${character}`).replaceAll(/[{}]/g, (character) => character.repeat(2));

function locationOf({ exchanges }: View, number: number | undefined, uri: string): Location {
  const line = exchanges.findIndex(({ id }) => id === number) + 1;
  const exchange = exchanges[line - 1];
  return {
    physicalLocation: { artifactLocation: { uri }, region: { startLine: Math.max(line, 1) } },
    ...(exchange && {
      logicalLocations: [
        { name: `exchange ${exchange.id}`, fullyQualifiedName: `${exchange.ase}/${exchange.operation}` },
      ],
      message: { text: escapeMessage(visible(shorten(`#${exchange.id} ${exchange.request.line}`, MAX_MESSAGE))) },
    }),
  };
}

function webRequestOf({ request, method }: ShownExchange): WebRequest {
  const [, target = '', version = ''] = /^\S+ (.*) HTTP\/([\d.]+)$/s.exec(request.line) ?? [];
  return {
    protocol: 'HTTP',
    version,
    method: visible(method),
    target: visible(target),
    headers: headersOf(request.headers),
    ...(request.body !== null && request.bytes > 0 && { body: { text: visible(request.body) } }),
  };
}

function webResponseOf(
  { status }: ShownExchange,
  { headers, body, bytes }: NonNullable<ShownExchange['response']>,
): WebResponse {
  return {
    protocol: 'HTTP',
    ...(status !== null && { statusCode: status }),
    headers: headersOf(headers),
    ...(body !== null && bytes > 0 && { body: { text: visible(body) } }),
    noResponseReceived: false,
  };
}

/** Lines of one name are joined as RFC 9110 §5.2 defines. */
function headersOf(headers: readonly (readonly string[])[]): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name = '', value = ''] of headers) {
    const earlier = joined.get(visible(name));
    joined.set(visible(name), earlier === undefined ? visible(value) : `${earlier}, ${visible(value)}`);
  }
  return Object.fromEntries(joined);
}
