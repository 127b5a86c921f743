/**
 * SARIF 2.1.0, for code scanning: a rule for each requirement and a result for each that is not met. An exchange has no
 * file, so a result points to its line in the file of exchanges and carries the request and the answer (§3.46, §3.47).
 */
import type { Location, Log, ReportingDescriptor, Result, WebRequest, WebResponse } from 'sarif';
import { areas, requirementIds, requirements } from '../catalogue.ts';
import type { DescribedExchange } from '../describe-exchange.ts';
import type { Report, Verdict } from '../report.ts';
import type { Level } from '../requirement.ts';
import { escapeJson } from './json.ts';
import { areaOf, casesOf, citationsOf, commandLine, type Standing, standingOf, verdictsOf } from './summary.ts';
import { shorten, visible } from './visible-text.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const INFORMATION = 'https://openpayments.dev';
const MAX_MESSAGE = 1000;
const levelNames = { must: 'error', should: 'warning', note: 'note' } as const satisfies Record<Level, string>;
const reported: readonly Standing[] = ['fail', 'warning', 'note', 'expected'];

/** `exchangesFile` is the name of the NDJSON file beside this one. */
export function renderSarif(report: Report, exchangesFile: string): string {
  const log: Log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Touchstone',
            version: report.version,
            semanticVersion: report.version,
            informationUri: INFORMATION,
            rules: requirementIds.map((id) => ruleOf(report, id)),
          },
        },
        automationDetails: { id: `touchstone/${report.profile}/${report.requirements}/` },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: report.result !== 'broken',
            startTimeUtc: report.startedAt,
            ...(report.command && { commandLine: visible(commandLine(report)), exitCodeDescription: endText(report) }),
          },
        ],
        results: reported
          .flatMap((standing) => verdictsOf(report, standing))
          .map((verdict) => resultOf(report, verdict, exchangesFile)),
      },
    ],
  };
  return `${escapeJson(JSON.stringify(log, null, 2))}\n`;
}

const endText = ({ reasons, result }: Report): string => visible(shorten([result, ...reasons].join('; '), MAX_MESSAGE));

function ruleOf(report: Report, id: (typeof requirementIds)[number]): ReportingDescriptor {
  const { title, statement, why, fix, level } = requirements[id];
  const references = citationsOf(id);
  const judged = report.verdicts.find((verdict) => verdict.id === id)?.level ?? level;
  return {
    id,
    name: id.replaceAll('-', ''),
    shortDescription: { text: title },
    fullDescription: { text: `${statement} ${why}` },
    helpUri: references[0]!.url,
    help: {
      text: [fix, ...references.map(({ citation, url }) => (citation === url ? url : `${citation}: ${url}`))].join(
        '\n',
      ),
    },
    defaultConfiguration: { level: levelNames[judged] },
    properties: { tags: ['open-payments', areas[areaOf(id)].toLowerCase()], level: judged },
  };
}

function resultOf(report: Report, verdict: Verdict, exchangesFile: string): Result {
  const { id, status, expected, violations, applied } = verdict;
  const cases = casesOf(report, verdict);
  const first = cases[0];
  const exchange = report.exchanges.find((each) => each.id === first?.exchange);
  const numbers = [...new Set(cases.flatMap((each) => each.exchange ?? []))];
  return {
    ruleId: id,
    ruleIndex: requirementIds.indexOf(id),
    kind: 'fail',
    level: status === 'fail' ? 'error' : status === 'warning' ? 'warning' : 'note',
    message: { text: messageText(report, verdict) },
    occurrenceCount: Math.max(violations, 1),
    locations: [locationOf(report, first?.exchange, exchangesFile)],
    relatedLocations: numbers
      .slice(1)
      .map((number, index) => ({ id: index + 1, ...locationOf(report, number, exchangesFile) })),
    partialFingerprints: { 'requirement/v1': [id, ...verdict.probes.map((probe) => probe.id)].join('/') },
    ...(exchange && { webRequest: webRequestOf(exchange) }),
    ...(exchange?.response && { webResponse: webResponseOf(exchange, exchange.response) }),
    ...(expected !== undefined &&
      standingOf(verdict) === 'expected' && {
        suppressions: [
          { kind: 'external', status: 'accepted', justification: visible(shorten(expected, MAX_MESSAGE)) },
        ] as const,
      }),
    properties: { applied, violations },
  } as Result;
}

function messageText(report: Report, verdict: Verdict): string {
  const { title, fix } = requirements[verdict.id];
  const [first] = casesOf(report, verdict);
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

function locationOf(report: Report, number: number | undefined, uri: string): Location {
  const line = report.exchanges.findIndex(({ id }) => id === number) + 1;
  const exchange = report.exchanges[line - 1];
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

function webRequestOf({ request, method }: DescribedExchange): WebRequest {
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
  { status }: DescribedExchange,
  { headers, body, bytes }: NonNullable<DescribedExchange['response']>,
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
