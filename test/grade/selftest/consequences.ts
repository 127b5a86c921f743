/**
 * Scenarios in which single requirements show, and requirements that a broken client violates besides the one for which
 * it is made, because the mistake cannot be made without them. Anything else is a false alarm.
 */
import type { RequirementId } from '../../../src/grade/catalogue.ts';
import type { Scenario } from './grade-client.ts';

const unavailable = { kind: 'status', status: 503 } as const;

export const scenarios: Readonly<Partial<Record<RequirementId, Omit<Scenario, 'change'>>>> = {
  'CL-GNAP-24': { waitSeconds: 1 },
  'CL-GNAP-28': { consent: 'deny' },
  'CL-HTTP-13': { faults: [{ operation: 'create-quote', ...unavailable }] },
  'CL-HTTP-14': { faults: [{ operation: 'get-outgoing-payment', ...unavailable }] },
  'CL-HTTP-15': { faults: [{ operation: 'get-outgoing-payment', ...unavailable }] },
};

/** Mistakes that a server which behaves as usual gives no opportunity for. Probes do. */
export const onlyInProbes: readonly RequirementId[] = [
  'CL-GNAP-27',
  'CL-LST-04',
  'CL-Q-05',
  'CL-TOK-05',
  'CL-TOK-15',
  'CL-WA-03',
];

/** Requirements that only a world with TLS can show. */
export const onlyWithTls: readonly RequirementId[] = ['CL-SEC-06'];

export const consequences: Readonly<Partial<Record<RequirementId, readonly RequirementId[]>>> = {
  'CL-DIG-04': ['CL-DIG-05'],
  // Two nonces of one clock differ, but a constant can be guessed.
  'CL-GNAP-09': ['CL-SEC-01'],
  'CL-GNAP-19': ['CL-GNAP-28'],
  'CL-GNAP-21': ['CL-GNAP-13'],
  'CL-GNAP-23': ['CL-TOK-03'],
  'CL-GNAP-28': ['CL-GNAP-11'],
  // The type of the content is covered where there is one, and a grant request needs it.
  // Each repetition of a POST comes too early, and there are three.
  'CL-HTTP-10': ['CL-TOK-14'],
  'CL-HTTP-13': ['CL-HTTP-14', 'CL-HTTP-15'],
  'CL-IP-06': ['CL-SEC-04', 'CL-TOK-04'],
  'CL-KEY-07': ['CL-GNAP-31', 'CL-SIG-09'],
  'CL-KEY-10': ['CL-SEC-03'],
  'CL-HTTP-02': ['CL-GNAP-01', 'CL-SIG-07'],
  'CL-LST-01': ['CL-SIG-04'],
  'CL-SEC-04': ['CL-IP-06', 'CL-KEY-08', 'CL-TOK-04'],
  // These clients cannot cancel a grant either.
  'CL-SIG-02': ['CL-GNAP-31'],
  'CL-SIG-05': ['CL-GNAP-31'],
  'CL-SIG-12': ['CL-GNAP-31'],
  'CL-SIG-17': ['CL-SIG-12'],
  // Refused tokens are rotated.
  'CL-TOK-01': ['CL-GNAP-23', 'CL-GNAP-31', 'CL-TOK-09'],
  'CL-TOK-02': ['CL-GNAP-13'],
  'CL-TOK-03': ['CL-TOK-09'],
  'CL-TOK-04': ['CL-IP-06', 'CL-KEY-07', 'CL-KEY-08', 'CL-SEC-04'],
  'CL-TOK-09': ['CL-TOK-03'],
  'CL-TOK-10': ['CL-TOK-09'],
  'CL-TOK-11': ['CL-TOK-14'],
  'CL-WA-01': ['CL-SEC-08'],
};
