/** The broken clients for each probe, and habits of the good client that some probes need. */

import { type Change, followRedirects } from '../../../conformance/clients/broken/changes.ts';
import { broken } from '../../../conformance/clients/broken/index.ts';
import type { Answer } from '../../../conformance/clients/transport.ts';
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import { type ProbeId, probeIds, probes } from '../../../src/grade/probes.ts';

/** A broken client, and the requirement that it is caught by. */
export interface ProbeCase {
  readonly probe: ProbeId;
  readonly requirement: RequirementId;
  readonly change: Change;
}

/** Changes to the good client that are lawful, for probes which judge only clients with such a habit. */
export const habits: Readonly<Partial<Record<ProbeId, Change>>> = {
  P14: broken['CL-GNAP-11']!,
  P15: broken['CL-GNAP-11']!,
  P33: (client) => followRedirects(client, () => true, 5),
};

/** Clients for a probe in place of the broken client of the requirement, which shows in other ways. */
const inPlace: Readonly<Record<string, Change>> = {
  'P14 CL-GNAP-27': (client, steps) => {
    broken['CL-GNAP-11']!(client, steps);
    broken['CL-GNAP-27']!(client, steps);
  },
  // Goes on with the token as if it had not been rotated.
  'P27 CL-TOK-13': (client, steps) => {
    broken['CL-TOK-13']!(client, steps);
    client.authorized = (token, request) =>
      client.send({ ...request, token: token.value, key: client.keyFor(token.authServer) });
  },
  // Waits as long as the server says, but as often as it says.
  'P38 CL-HTTP-15': (client) => {
    client.send = async (request) => {
      let answer = await client.transport.send(client.compose(request));
      for (let tries = 0; tries < 5 && answer.status === 503; tries += 1) {
        await client.waitForRetry(answer);
        answer = await client.transport.send(client.compose(request));
      }
      return answer;
    };
  },
  // Expects an amount where the public view has none.
  'P36 CL-IP-06': (client, steps) => {
    const { readPublic } = steps;
    steps.readPublic = async (incoming) => {
      await readPublic(incoming);
      const { json } = await client.transport.send(client.compose({ method: 'GET', url: incoming.id }));
      if (typeof json.receivedAmount?.value !== 'string') throw new Error('the public view has no amount');
    };
  },
};

/** Breaks down over an answer that it does not know, without an error of the library. */
const breaksDown =
  (isUnknown: (answer: Answer) => boolean): Change =>
  (client) => {
    const expect = client.expect.bind(client);
    client.expect = (answer, ...statuses) => {
      if (isUnknown(answer)) throw new TypeError('the answer is not as expected');
      return expect(answer, ...statuses);
    };
  };

/** Clients whose mistake shows in their outcome file only, besides those which the wire shows. */
const silent: readonly ProbeCase[] = (
  [
    ['CL-HTTP-04', ({ status }) => ![200, 201, 204, 400, 401, 403, 404, 500].includes(status)],
    ['CL-HTTP-06', ({ status, json }) => status >= 400 && json?.error?.code !== 'refused'],
    ['CL-WA-12', ({ status, json }) => status === 404 && json === undefined],
  ] as const satisfies readonly (readonly [RequirementId, (answer: Answer) => boolean])[]
).map(([requirement, isUnknown]) => ({ probe: 'P37', requirement, change: breaksDown(isUnknown) }));

/** At least one for each requirement that a probe judges. */
export const probeCases: readonly ProbeCase[] = [
  ...probeIds.flatMap((probe) =>
    probes[probe].judges.map((requirement) => {
      const change = inPlace[`${probe} ${requirement}`] ?? broken[requirement];
      if (!change) throw new Error(`${probe} has no broken client for ${requirement}`);
      return { probe, requirement, change };
    }),
  ),
  ...silent,
];
