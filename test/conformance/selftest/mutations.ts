/** Mutations of a whole reply, derived from the document of its operation. */
import type { Json } from '../../../codegen/json.ts';
import { type BodyKind, complete, listBodyMutations } from './body-mutations.ts';
import type { Schemas } from './schema.ts';
import type { Reply } from './wire.ts';

export type Kind =
  | BodyKind
  | 'status replaced'
  | 'media type replaced'
  | 'header dropped'
  | 'header broken'
  | 'body replaced';

export interface Mutation {
  readonly kind: Kind;
  readonly place: string;
  /** It is made from a body of the schema instead of the real one, for an alternative that the real one does not use. */
  readonly isSample?: true;
  readonly apply: (reply: Reply) => Reply;
}

/** The declaration of one answer in its document. */
export interface Declaration {
  readonly schemas: Schemas;
  readonly operation: string;
  readonly status: number;
  /** Statuses that the operation declares. */
  readonly statuses: readonly number[];
  readonly mediaTypes: readonly string[];
  readonly headers: readonly string[];
  /** Pointer to the schema of the body, or null. */
  readonly body: string | null;
}

const UNDECLARED_STATUS = 418;

/** All mutations of this reply. */
export function listMutations(declared: Declaration, reply: Reply): Mutation[] {
  const { status, statuses, headers, body } = declared;
  return [
    ...[...statuses.filter((other) => other !== status && hasBody(other)), UNDECLARED_STATUS].map(
      (other): Mutation => ({
        kind: 'status replaced',
        place: `${other}`,
        apply: (real) => ({ ...real, status: other }),
      }),
    ),
    ...headers.flatMap((header): Mutation[] => {
      const name = header.toLowerCase();
      return [
        { kind: 'header dropped', place: name, apply: (real) => ({ ...real, headers: without(real.headers, name) }) },
        ...['', 'a b'].map(
          (value): Mutation => ({
            ...{ kind: 'header broken', place: `${name}: ${value}` },
            apply: (real) => ({ ...real, headers: { ...real.headers, [name]: value } }),
          }),
        ),
      ];
    }),
    ...(body === null ? surplusBody(status) : bodyMutations(declared, body, reply)),
  ];
}

/** HTTP allows a body with this status. */
const hasBody = (status: number): boolean => status !== 204;

const without = (headers: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));

const surplusBody = (status: number): Mutation[] =>
  hasBody(status) ? [{ kind: 'body replaced', place: 'added', apply: (real) => ({ ...real, body: '{"a":1}' }) }] : [];

function bodyMutations({ schemas, mediaTypes }: Declaration, root: string, reply: Reply): Mutation[] {
  const withBody = (body: string) => (real: Reply) => ({ ...real, body });
  const withType = (type: string) => (real: Reply) => ({ ...real, headers: { ...real.headers, 'content-type': type } });
  const others = ['text/html', 'text/plain', 'application/problem+json', ''].filter(
    (type) => !mediaTypes.includes(type),
  );
  const samples = schemas.alternatives(root).filter((pointer) => !schemas.accepts(pointer, JSON.parse(reply.body)));
  return [
    { kind: 'body replaced', place: 'dropped', apply: withBody('') },
    { kind: 'body replaced', place: 'empty', apply: withBody('{}') },
    { kind: 'body replaced', place: 'cut', apply: (real) => ({ ...real, body: real.body.slice(0, -1) }) },
    { kind: 'body replaced', place: 'page', apply: withBody('<p>An error occurred.</p>') },
    ...others.map((type): Mutation => ({ kind: 'media type replaced', place: type, apply: withType(type) })),
    {
      ...{ kind: 'media type replaced', place: 'none' },
      apply: (real) => ({ ...real, headers: without(real.headers, 'content-type') }),
    },
    ...listBodyMutations(schemas, root, complete(schemas, root, JSON.parse(reply.body) as Json)).map(
      ({ kind, place, change }): Mutation => ({
        ...{ kind, place },
        apply: (real) => ({ ...real, body: JSON.stringify(change(complete(schemas, root, JSON.parse(real.body)))) }),
      }),
    ),
    ...samples.flatMap((pointer, index) => {
      const sample = complete(schemas, root, schemas.sample(pointer));
      if (!schemas.accepts(root, sample)) throw new Error(`the sample of ${pointer} is not valid`);
      return listBodyMutations(schemas, root, sample).map(
        ({ kind, place, change }): Mutation => ({
          ...{ kind, place: `${place} (sample ${index + 1})`, isSample: true },
          apply: (real) => ({ ...real, body: JSON.stringify(change(sample)) }),
        }),
      );
    }),
  ];
}
