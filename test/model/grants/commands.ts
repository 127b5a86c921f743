/** Random sequences of requests for grants, alone and at once, that the model must be able to explain. */
import fc from '../../support/fast-check.ts';
import { count, type Figures, parametersFor, type Range, type Run } from '../sequences.ts';
import { type GrantClient, type Handles, unknownToken, unknownValue } from './client.ts';
import {
  type Action,
  type Answer,
  type Asked,
  begin,
  type Consent,
  explainAtOnce,
  type State,
  settings,
} from './model.ts';

/** The states that the answers so far leave possible, and what the client holds. */
interface Model {
  states: readonly State[];
  readonly known: Map<number, Handles>;
  requested: number;
}

/** The newest value received, the one before it, or one that was never issued. */
type Pick = 'newest' | 'older' | 'wrong';

/** An action before it is known which values it will show. `of` counts the grants from the newest. */
type Intent =
  | { readonly kind: 'request'; readonly asks: Asked }
  | { readonly kind: 'start' | 'accept' | 'reject'; readonly of: number }
  | { readonly kind: 'finish' | 'rotate' | 'revoke' | 'introspect' | 'use'; readonly of: number; readonly pick: Pick }
  | { readonly kind: 'continue'; readonly of: number; readonly pick: Pick | 'none'; readonly isOwnToken: boolean }
  | { readonly kind: 'cancel'; readonly of: number; readonly isOwnToken: boolean }
  | { readonly kind: 'advance'; readonly seconds: number }
  /** The next step of the grant in one of the possible states: without it, random requests seldom get far. */
  | { readonly kind: 'proceed'; readonly of: number; readonly to: 'rotate' | 'use' | 'introspect' }
  /** Until the token or the interaction ends, or a second before. */
  | { readonly kind: 'lapse'; readonly of: number; readonly isOver: boolean };

const choose = <T>(given: readonly T[], pick: Pick, wrong: T): T =>
  (pick === 'wrong' ? undefined : given.at(pick === 'newest' ? -1 : -2)) ?? wrong;

class Requests implements fc.AsyncCommand<Model, GrantClient> {
  private readonly intents: readonly Intent[];
  private readonly figures: Figures;
  private sent: string | undefined;
  constructor(intents: readonly Intent[], figures: Figures) {
    this.intents = intents;
    this.figures = figures;
  }

  check(model: Readonly<Model>): boolean {
    return this.intents.every((intent) => this.findGrant(model, intent) !== undefined);
  }

  /** The number of the grant that is meant; undefined if there is none that this could be asked of. */
  private findGrant({ known }: Model, intent: Intent): number | undefined {
    if (!('of' in intent)) return -1;
    const isForBrowser = ['start', 'accept', 'reject', 'finish'].includes(intent.kind);
    const fitting = [...known].filter(([, { redirect }]) => !isForBrowser || redirect !== '');
    return fitting.at(-1 - (intent.of % Math.max(1, fitting.length)))?.[0];
  }

  private resolve(model: Model, intent: Intent): Action {
    if (intent.kind === 'advance') return intent;
    if (intent.kind === 'request') return { ...intent, grant: model.requested++ };
    const grant = this.findGrant(model, intent)!;
    const handles = model.known.get(grant)!;
    const { kind } = intent;
    switch (kind) {
      case 'proceed':
        return proceed(model.states[0]!, grant, handles, intent.to);
      case 'lapse':
        return lapse(model.states[0]!, grant, intent.isOver);
      case 'finish':
        return { kind, grant, cookie: choose(handles.cookies, intent.pick, unknownValue) };
      case 'rotate':
      case 'revoke':
        return { kind, grant, token: choose(handles.tokens, intent.pick, unknownToken(handles)) };
      case 'introspect':
      case 'use':
        return { kind, grant, value: choose(handles.tokens, intent.pick, unknownToken(handles)).value };
      case 'continue': {
        const { pick, isOwnToken } = intent;
        const reference = pick === 'none' ? undefined : choose(handles.references, pick, unknownValue);
        return { kind, grant, isOwnToken, ...(reference !== undefined && { reference }) };
      }
      case 'cancel':
        return { kind, grant, isOwnToken: intent.isOwnToken };
      default:
        return { kind, grant };
    }
  }

  async run(model: Model, client: GrantClient): Promise<void> {
    const actions = this.intents.map((intent) => this.resolve(model, intent));
    this.sent = actions.map(describe).join(' ∥ ');
    const answers = await Promise.all(actions.map((action) => client.send(action, model.known)));
    const steps = actions.map((action, index) => ({ action, answer: answers[index]! }));
    const after = explainAtOnce(model.states, steps);
    if (after.length === 0) {
      const told = steps.map(({ action, answer }) => `${describe(action)} → ${describe(answer)}`).join('\n  ');
      throw new Error(`no order explains\n  ${told}\nafter\n  ${model.states.map(describe).join('\n  ')}`);
    }
    model.states = after;
    if (steps.length > 1)
      count(
        this.figures,
        `${steps.length} at once`,
        actions
          .map(({ kind }) => kind)
          .sort()
          .join(' ∥ '),
      );
    for (const { action, answer } of steps) count(this.figures, action.kind, classify(answer));
  }

  toString(): string {
    return `\n  ${this.sent ?? this.intents.map((intent) => JSON.stringify(intent)).join(' ∥ ')}`;
  }
}

/** The next step on the way from a request to a token, and from a token to the next one. */
function proceed(state: State, grant: number, handles: Handles, to: 'rotate' | 'use' | 'introspect'): Action {
  const { state: at, session, reference, token, answeredAt, asks } = state.grants[grant]!;
  const isTooFast = state.now < answeredAt + settings.wait;
  const polls = asks.interaction === 'poll';
  switch (at) {
    case 'pending':
      return session === undefined ? { kind: 'start', grant } : { kind: 'accept', grant };
    case 'approved':
      if (session !== undefined && !polls) return { kind: 'finish', grant, cookie: session };
      if (isTooFast) return { kind: 'advance', seconds: settings.wait };
      return { kind: 'continue', grant, isOwnToken: true, ...(reference !== undefined && { reference }) };
    case 'issued':
      return to === 'rotate'
        ? { kind: to, grant, token: token ?? unknownToken(handles) }
        : { kind: to, grant, value: token?.value ?? unknownValue };
    default:
      return { kind: 'cancel', grant, isOwnToken: true };
  }
}

function lapse({ now, grants }: State, grant: number, isOver: boolean): Action {
  const { token, interactionEnds } = grants[grant]!;
  const left = (token?.ends ?? interactionEnds) - now - (isOver ? 0 : 1);
  return { kind: 'advance', seconds: left > 0 ? left : settings.wait };
}

const describe = (value: Action | Answer | State): string => JSON.stringify(value);

const classify = ({ status, reference, page, result, token, active }: Answer): string =>
  [
    status,
    reference && 'reference',
    page && 'consent page',
    result,
    token && 'token',
    active !== undefined && (active ? 'active' : 'not active'),
  ]
    .filter(Boolean)
    .join(' ');

const weighted = <T>(...choices: readonly (readonly [weight: number, value: T])[]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const of = weighted([4, 0], [1, 1]);
const pick = weighted<Pick>([6, 'newest'], [2, 'older'], [1, 'wrong']);
const isOwnToken = weighted([9, true], [1, false]);
const intent = (kind: Exclude<Intent['kind'], 'request' | 'advance'>, rest: object = {}) =>
  fc.record({ kind: fc.constant(kind), of, ...rest }) as fc.Arbitrary<Intent>;

const asks: fc.Arbitrary<Asked> = fc.record({
  right: weighted<Asked['right']>([8, 'outgoing'], [2, 'incoming'], [1, 'none']),
  subject: weighted([3, false], [1, true]),
  interaction: weighted<Asked['interaction']>([8, 'finish'], [5, 'poll'], [1, 'none']),
});
const request: fc.Arbitrary<Intent> = asks.map((asked) => ({ kind: 'request', asks: asked }));
const advance = weighted<number>(
  [2, 1],
  [8, settings.wait],
  [1, settings.tokenLife],
  [1, settings.interactionLife],
).map((seconds): Intent => ({ kind: 'advance', seconds }));

const single: fc.Arbitrary<Intent> = fc.oneof(
  {
    weight: 32,
    arbitrary: intent('proceed', { to: weighted([2, 'rotate'], [1, 'use'], [1, 'introspect']) }),
  },
  { weight: 5, arbitrary: intent('lapse', { isOver: fc.boolean() }) },
  { weight: 2, arbitrary: request },
  { weight: 5, arbitrary: intent('start') },
  { weight: 5, arbitrary: intent('accept') },
  { weight: 1, arbitrary: intent('reject') },
  { weight: 5, arbitrary: intent('finish', { pick }) },
  {
    weight: 8,
    arbitrary: intent('continue', {
      pick: weighted<Pick | 'none'>([5, 'newest'], [4, 'none'], [1, 'older'], [1, 'wrong']),
      isOwnToken,
    }),
  },
  { weight: 1, arbitrary: intent('cancel', { isOwnToken }) },
  { weight: 4, arbitrary: intent('rotate', { pick }) },
  { weight: 1, arbitrary: intent('revoke', { pick }) },
  { weight: 3, arbitrary: intent('introspect', { pick }) },
  { weight: 3, arbitrary: intent('use', { pick }) },
  { weight: 5, arbitrary: advance },
);

/** Runs these sequences, and stops at the first that the model cannot explain. */
export async function runGrantSequences(client: GrantClient, range: Range): Promise<Run> {
  const figures: Figures = new Map();
  const alone = single.map((one) => new Requests([one], figures));
  const atOnce = fc.array(single, { minLength: 2, maxLength: 3 }).map((group) => new Requests(group, figures));
  const first = fc.array(request, { minLength: 1, maxLength: 2 });
  const commands = fc.commands([alone, alone, alone, atOnce], { maxCommands: 28, size: 'max' });
  const consent = weighted<Consent>([6, 'manual'], [2, 'auto'], [1, 'deny']);
  const property = fc.asyncProperty(consent, first, commands, async (mode, requests, chosen) => {
    await client.prepare(mode);
    const setup = async () => {
      const model: Model = { states: [begin(mode)], known: new Map(), requested: 0 };
      await new Requests(requests, figures).run(model, client);
      return { model, real: client };
    };
    await fc.asyncModelRun(setup, chosen);
  });
  const { from = 1, seed } = range;
  const details = await fc.check(property, { ...parametersFor(range), includeErrorInReport: true });
  const failure = details.failed ? fc.defaultReportMessage(details) : undefined;
  return { last: from - 1 + details.numRuns, seed, failure, figures };
}
