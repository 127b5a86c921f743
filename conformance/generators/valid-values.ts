/**
 * fast-check arbitraries from the JSON Schemas of the documents: they generate values that the schema accepts. Only the
 * keywords that the documents use are known; any other is an error, so that none is passed over in silence.
 */
import fc from 'fast-check';
import type { Json } from '../steps/signed-client.ts';
import { resolve, type Schema, within } from './document.ts';

/**
 * Values for places where only a world can say what is valid, such as the URL of a wallet address. The key is the path
 * to the place: `/incomingAmount/assetCode`, with `*` for the items of an array.
 */
export type Pins = Readonly<Record<string, fc.Arbitrary<Json>>>;

const knownKeywords = new Set([
  ...['type', 'enum', 'format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
  ...['properties', 'required', 'additionalProperties', 'unevaluatedProperties'],
  ...['items', 'minItems', 'maxItems', 'uniqueItems', 'oneOf', 'anyOf', 'allOf'],
  // They assert nothing about a request.
  ...['title', 'description', 'example', 'examples', 'default', 'deprecated', 'readOnly', 'writeOnly', 'discriminator'],
]);

/** Values that the schema accepts, with the pinned ones at their places, as they are after JSON. */
export const validValues = (schema: Schema, pins: Pins = {}): fc.Arbitrary<Json> =>
  validAt(schema, pins, '').map((value) => JSON.parse(JSON.stringify(value)));

function validAt(schema: Schema, pins: Pins, path: string): fc.Arbitrary<Json> {
  const pinned = pins[path];
  if (pinned) return pinned;
  const { node, document } = resolve(schema);
  const unknown = Object.keys(node).find((keyword) => !knownKeywords.has(keyword) && !keyword.startsWith('x-'));
  if (unknown) throw new Error(`the schema of ${path || 'the body'} has the unknown keyword ${unknown}`);
  const { oneOf, anyOf, allOf, ...rest } = node;
  const choices = oneOf ?? anyOf;
  if (choices || allOf) {
    const chosen = choices
      ? fc.oneof(...choices.map((choice: Json) => validAt({ node: choice, document }, pins, path)))
      : fc.constant({});
    const parts = [rest, ...(allOf ?? [])].filter((part) => part.properties || part.$ref);
    if (parts.length === 0) return chosen;
    const others = parts.map((part: Json) => validAt({ node: part, document }, pins, path));
    return fc.tuple(chosen, ...others).map((all) => Object.assign({}, ...all));
  }
  return validOfType({ node, document }, pins, path);
}

function validOfType(schema: Schema, pins: Pins, path: string): fc.Arbitrary<Json> {
  const { node } = schema;
  if (node.enum) return fc.constantFrom(...node.enum);
  const type = node.type ?? (node.properties ? 'object' : undefined);
  switch (type) {
    case 'object':
      return validObjects(schema, pins, path);
    case 'array': {
      const { minItems: minLength = 0, maxItems = 3, uniqueItems } = node;
      const items = validAt(within(schema, node.items), pins, `${path}/*`);
      const length = { minLength, maxLength: Math.min(maxItems, minLength + 3) };
      return uniqueItems ? fc.uniqueArray(items, { ...length, selector: JSON.stringify }) : fc.array(items, length);
    }
    case 'integer':
      return fc.integer({ min: node.minimum ?? 0, max: node.maximum ?? 1000 });
    case 'boolean':
      return fc.boolean();
    case 'string':
      return validTexts(node);
    case undefined:
      return fc.jsonValue({ maxDepth: 2, stringUnit: 'grapheme' });
    default:
      throw new Error(`the schema of ${path} has the unknown type ${JSON.stringify(type)}`);
  }
}

function validObjects(schema: Schema, pins: Pins, path: string): fc.Arbitrary<Json> {
  const { properties = {}, required = [], additionalProperties } = schema.node;
  const members = Object.entries<Json>(properties).map(
    ([name, node]) => [name, validAt(within(schema, node), pins, `${path}/${name}`)] as const,
  );
  const declared = fc.record(Object.fromEntries(members), { requiredKeys: required });
  if (additionalProperties !== true || members.length > 0) return declared.map((value) => ({ ...value }));
  return fc.dictionary(unremarkableTexts(8), fc.jsonValue({ maxDepth: 2, stringUnit: 'grapheme' }), { maxKeys: 4 });
}

const UINT64_MAX = 2n ** 64n - 1n;

/** Not `__proto__`: a member of this name would change the object instead. */
const unremarkableTexts = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((text) => text !== '__proto__');

function validTexts(node: Json): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 40 } = node;
  if (pattern && format === 'uri') return fc.webUrl({ validSchemes: ['https'] }).map((url) => withPath(url, pattern));
  if (pattern) return fc.stringMatching(new RegExp(pattern, 'u'));
  switch (format) {
    case undefined:
      return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 40) });
    case 'uint64':
      return fc.bigInt({ min: 0n, max: UINT64_MAX }).map(String);
    case 'uri':
      return fc.webUrl({ validSchemes: ['https'] });
    case 'date-time':
      return dateTimes({ from: 0, to: 4_102_444_800_000 });
    default:
      throw new Error(`unknown format ${format}`);
  }
}

/** The one pattern of a URL asks for a path below `/incoming-payments/`. */
function withPath(url: string, pattern: string): string {
  const receiver = `${url.replace(/\/*$/, '')}/incoming-payments/1`;
  if (!new RegExp(pattern, 'u').test(receiver)) throw new Error(`no URL is known that matches ${pattern}`);
  return receiver;
}

/** Instants in the forms that RFC 3339 allows: any offset, fractions of a second or none. */
export function dateTimes({ from, to }: { readonly from: number; readonly to: number }): fc.Arbitrary<string> {
  const offsets = fc.constantFrom('Z', '+00:00', '-00:00', '+05:45', '-11:30', '+14:00');
  return fc.tuple(fc.integer({ min: from, max: to }), offsets, fc.nat({ max: 3 })).map(([instant, offset, digits]) => {
    const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
    const ahead = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === '-' ? -1 : 1);
    const local = new Date(instant + ahead).toISOString();
    return `${digits === 0 ? local.slice(0, 19) : local.slice(0, 20 + digits)}${offset}`;
  });
}
