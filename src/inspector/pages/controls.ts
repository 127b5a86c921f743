/** The controls of a world: clock, consent, faults and traps, reset, and further worlds. */
import { routes as authServer } from '../../../generated/auth-server/routes.ts';
import type { components } from '../../../generated/control/types.ts';
import { routes as resourceServer } from '../../../generated/resource-server/routes.ts';
import { routes as walletAddressServer } from '../../../generated/wallet-address-server/routes.ts';
import { Problem } from '../../errors.ts';
import { packetOperation } from '../../faults.ts';
import { probeIds, probes } from '../../grade/probes.ts';
import { traps } from '../../grade/traps/index.ts';
import { type Html, html } from '../../html/html.ts';
import { shown } from '../../report/html/pieces.ts';
import { listAses } from '../ases.ts';
import { ROOT } from '../layout.ts';
import { actionButton, facts, field, form, pill, section, select, submit, table, time } from '../pieces.ts';
import { LIVE_MS, type PageContext, type Route } from '../route.ts';

type Fault = components['schemas']['fault'];
type NewFault = components['schemas']['new-fault'];

/** The effects, as the control API documents them. */
const kinds: Readonly<Record<Exclude<NewFault['kind'], 'trap'>, string>> = {
  status: 'an error',
  crash: 'an internal error',
  delay: 'the answer comes later',
  reset: 'the connection is closed',
  abort: 'the connection is reset (TCP RST)',
  garbage: 'a body that is not JSON',
  empty: 'a success without content',
  'after-commit': 'it is processed, but not answered',
  cut: 'it is processed, and the answer is cut',
  slow: 'the answer comes in pieces',
};

const operations = [
  ...[walletAddressServer, authServer, resourceServer].flatMap((routes) => Object.keys(routes).sort()),
  packetOperation,
];

/** The traps that a running world can set, without TLS. */
const armable = probeIds.filter((id) => !traps[id].changes && probes[id].only !== 'tls');

function renderClock(context: PageContext): Html {
  const { mode, now } = context.world.controls.clock();
  const to = (action: string, label: string) =>
    html`<div class="field">${actionButton(context, '/controls/clock', label, { values: { action } })}</div>`;
  return html`${facts([
    ['Business time', time(new Date(now).toISOString())],
    ['State', pill(mode, mode === 'live' ? 'pass' : 'warning')],
  ])}
<p class="soft">It drives tokens, quotes, expiry, waits and intervals. Signatures use wall time.</p>
<div class="fields">${mode === 'live' ? to('freeze', 'Freeze') : to('run', 'Let it run')}</div>
${form(context, '/controls/clock', [
  html`<input type="hidden" name="action" value="advance">`,
  field('advance', 'seconds', 'Advance by seconds', { type: 'number', value: '3600', isRequired: true }),
  submit('Advance', ''),
])}
${form(context, '/controls/clock', [
  html`<input type="hidden" name="action" value="set">`,
  field('set', 'time', 'Set to', { value: new Date(now).toISOString(), isRequired: true }),
  submit('Set', ''),
])}`;
}

const renderConsent = (context: PageContext): Html =>
  form(context, '/controls/consent', [
    select(
      'consent',
      'mode',
      'Consent',
      [
        { value: 'auto', label: 'auto: every request is accepted' },
        { value: 'deny', label: 'deny: every request is refused' },
        { value: 'manual', label: 'manual: a person decides' },
      ],
      context.world.controls.consent(),
    ),
    submit('Change', ''),
  ]);

const faultColumns = [
  { name: 'Fault' },
  { name: 'Calls' },
  { name: 'Restricted to', isText: true },
  { name: 'Struck', isNumber: true },
];

/** Such as `status 400 invalid_request on create-quote`. */
const describeFault = ({ kind, status, code, delayMs, operation }: Fault): string =>
  shown(
    [kind, status, code, delayMs && `${delayMs} ms`, 'on', operation].filter((word) => word !== undefined).join(' '),
  );

/** `nth` counts from the time at which the fault was armed. */
function describeCalls({ nth, times = 1 }: Fault): string {
  if (nth === undefined) return 'all';
  return times === 1 ? `number ${nth}` : `number ${nth} to ${nth + times - 1}`;
}

async function renderFaults(context: PageContext): Promise<Html> {
  const { faults } = await context.world.api('list-faults');
  const rows = faults.map((fault, index) => ({
    id: String(index),
    cells: [
      fault.trap === undefined ? describeFault(fault) : html`trap <code>${shown(fault.trap)}</code>`,
      describeCalls(fault),
      shown(
        [fault.ase, fault.walletAddress, fault.prefer && `Prefer: fault=${fault.prefer}`].filter(Boolean).join(', '),
      ),
      String(fault.struck),
    ],
  }));
  return html`${table('fault', 'Faults', faultColumns, rows)}
${rows.length > 0 ? html`<p id="fault-remove" class="gap">${actionButton(context, '/controls/faults/remove', 'Remove all faults', { kind: 'danger' })}</p>` : undefined}`;
}

async function renderNewFault(context: PageContext): Promise<Html> {
  if (!context.world.controls.faults) return html`<p>Faults need a world that listens on loopback only.</p>`;
  const ases = (await listAses(context.world)).map(({ name }) => ({ value: name }));
  const kindChoices = Object.entries(kinds).map(([value, effect]) => ({ value, label: `${value}: ${effect}` }));
  const trapChoices = armable.map((id) => ({
    value: probes[id].name,
    label: `${probes[id].name}: ${probes[id].title}`,
  }));
  return html`<h3>An error reply</h3>
<p>Choose it from the <a href="${context.base}/catalogue">catalogue of error replies</a>.</p>
<h3>A fault</h3>
${form(context, '/controls/faults', [
  select(
    'fault',
    'operation',
    'Operation',
    operations.map((value) => ({ value })),
    'create-quote',
  ),
  select('fault', 'kind', 'Effect', kindChoices),
  select('fault', 'ase', 'ASE', [{ value: '', label: 'any' }, ...ases]),
  field('fault', 'nth', 'From call number', { type: 'number', value: '1' }),
  field('fault', 'times', 'Number of calls', { type: 'number', value: '1' }),
  field('fault', 'status', 'Status', { type: 'number', hint: 'of an error' }),
  field('fault', 'code', 'Error code'),
  field('fault', 'delayMs', 'Delay in milliseconds', { type: 'number' }),
  field('fault', 'walletAddress', 'Only calls that name this wallet address', { isWide: true }),
  submit('Arm the fault'),
])}
<h3>A trap</h3>
${form(context, '/controls/traps', [select('trap', 'trap', 'Hostile or awkward behaviour', trapChoices), submit('Arm the trap')])}`;
}

async function renderWorlds(context: PageContext): Promise<Html> {
  if (!context.world.controls.worlds) {
    return html`<p>This is an additional world. <a href="${ROOT}/controls">The main world</a> creates and deletes them.</p>`;
  }
  const { worlds } = await context.world.api('list-worlds');
  const rows = worlds.map((id) => ({
    id,
    cells: [
      html`<a class="mono" href="${ROOT}/worlds/${id}/requests">${id}</a>`,
      actionButton(context, `/controls/worlds/${id}/delete`, 'Delete', {
        kind: 'danger',
        about: `world ${id.slice(0, 8)}`,
      }),
    ],
  }));
  return html`${table('world', 'Additional worlds', [{ name: 'World' }, { name: 'Delete' }], rows)}
${form(context, '/controls/worlds', [
  field('world', 'seed', 'Seed', { hint: 'Leave it empty for random ids.' }),
  submit('Create a world', ''),
])}`;
}

/** A number of a form; absent if the field is empty. Throws `invalid_request`. */
function numberOf(form: Readonly<Record<string, string>>, name: string): number | undefined {
  const text = form[name]?.trim() ?? '';
  if (text === '') return undefined;
  if (!/^-?\d{1,15}(\.\d{1,3})?$/.test(text))
    throw new Problem('invalid_request', { description: `${name} is not a number.` });
  return Number(text);
}

/** Without the fields that are empty. */
function parseFault(fields: Readonly<Record<string, string>>): NewFault {
  const texts = ['operation', 'kind', 'ase', 'code', 'walletAddress'].map(
    (name) => [name, fields[name]?.trim()] as const,
  );
  const numbers = ['nth', 'times', 'status', 'delayMs'].map((name) => [name, numberOf(fields, name)] as const);
  // The control API checks the members.
  return Object.fromEntries(
    [...texts, ...numbers].filter(([, value]) => value !== undefined && value !== ''),
  ) as NewFault;
}

function parseClock(fields: Readonly<Record<string, string>>) {
  switch (fields['action']) {
    case 'freeze':
      return { freeze: true } as const;
    case 'run':
      return { run: true } as const;
    case 'set':
      return { set: fields['time'] ?? '' };
    default:
      return { advance: numberOf(fields, 'seconds') ?? 0 };
  }
}

const TO = '/controls';

export const controlRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/controls',
    async serve(context) {
      const { version, spec, seed, profile } = context.world.controls;
      return {
        title: 'Controls',
        every: LIVE_MS,
        content: html`${section('clock', 'Clock', renderClock(context))}
${section('consent', 'Consent', renderConsent(context))}
${section('faults', 'Faults', await renderFaults(context), true)}
${section('new-fault', 'Arm', await renderNewFault(context))}
${section('worlds', 'Further worlds', await renderWorlds(context))}
${section('reset', 'Reset', html`<p>The world goes back to its initial state: wallets, money, grants, payments and requests. Servers answer 503 meanwhile.</p>${actionButton(context, '/controls/reset', 'Reset the world', { kind: 'danger' })}`)}
${section(
  'about',
  'This world',
  facts([
    ['Version', version],
    ['Open Payments', spec],
    ['Profile', profile],
    ['Seed', shown(seed ?? 'random', 100)],
  ]),
)}`,
      };
    },
  },
  {
    method: 'POST',
    path: '/controls/clock',
    async serve({ world }, fields) {
      const { now } = await world.api('post-clock', { body: parseClock(fields) });
      return { to: TO, notice: `The clock shows ${now}.` };
    },
  },
  {
    method: 'POST',
    path: '/controls/consent',
    async serve({ world }, { mode }) {
      await world.api('post-consent-policy', { body: { mode: mode as 'auto' | 'deny' | 'manual' } });
      return { to: TO, notice: `Consent is ${mode}.` };
    },
  },
  {
    method: 'POST',
    path: '/controls/faults',
    async serve({ world }, fields) {
      await world.api('add-fault', { body: parseFault(fields) });
      return { to: TO, notice: 'The fault is armed.' };
    },
  },
  {
    method: 'POST',
    path: '/controls/traps',
    async serve({ world }, { trap = '' }) {
      await world.api('add-fault', { body: { kind: 'trap', trap } });
      return { to: TO, notice: 'The trap is armed.' };
    },
  },
  {
    method: 'POST',
    path: '/controls/faults/remove',
    async serve({ world }) {
      await world.api('remove-faults');
      return { to: TO, notice: 'All faults are removed.' };
    },
  },
  {
    method: 'POST',
    path: '/controls/reset',
    async serve({ world }) {
      await world.api('post-reset');
      return { to: TO, notice: 'The world is back in its initial state.' };
    },
  },
  {
    method: 'POST',
    path: '/controls/worlds',
    async serve({ world }, { seed = '' }) {
      const { id } = await world.api('create-world', { body: seed === '' ? {} : { seed } });
      return { to: TO, notice: `The world ${id} runs.` };
    },
  },
  {
    method: 'POST',
    path: '/controls/worlds/:id/delete',
    async serve({ world, params }) {
      await world.api('delete-world', { params: { world: params['id']! } });
      return { to: TO, notice: 'The world is deleted.' };
    },
  },
];
