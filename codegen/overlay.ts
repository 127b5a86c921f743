/**
 * OpenAPI Overlay 1.0.0: the only way to change an upstream document.
 * Each action gives its reason (`x-reason`) and its interpretation (`x-interpretation: OPI-nnn`). An action that repairs
 * a defect (`x-repairs: true`) may match nothing, because a later version of the document may not have the defect.
 */
import { isObject, type Json, type JsonObject } from './json.ts';
import { selectLocations } from './json-path.ts';

/**
 * Applies an overlay and returns the new document. Throws if an action lacks its reason or loosens a schema, or matches
 * nothing and is not a repair; `warn` is called for repairs that match nothing.
 */
export function applyOverlay(
  document: JsonObject,
  overlay: JsonObject,
  interpretations: ReadonlySet<string>,
  warn: (message: string) => void = () => {},
): JsonObject {
  if (overlay['overlay'] !== '1.0.0') throw new Error('not an OpenAPI Overlay 1.0.0');
  if (!Array.isArray(overlay['actions'])) throw new Error('an overlay needs a list of actions');
  const result = structuredClone(document);
  for (const action of overlay['actions']) applyAction(result, action, interpretations, warn);
  const loosened = findLoosened(document, result);
  if (loosened.length > 0) throw new Error(`an overlay must not loosen a schema: ${loosened.join(', ')}`);
  return result;
}

function applyAction(
  document: JsonObject,
  action: Json,
  interpretations: ReadonlySet<string>,
  warn: (message: string) => void,
): void {
  if (!isObject(action) || typeof action['target'] !== 'string') throw new Error('an overlay action needs a target');
  const { target, 'x-reason': reason, 'x-interpretation': interpretation } = action;
  if (typeof reason !== 'string' || reason === '') throw new Error(`overlay action ${target} lacks an x-reason`);
  if (typeof interpretation !== 'string' || !interpretations.has(interpretation)) {
    throw new Error(`overlay action ${target} names an unknown interpretation: ${String(interpretation)}`);
  }
  const locations = selectLocations(document, target);
  if (locations.length === 0) {
    if (action['x-repairs'] !== true) throw new Error(`overlay action ${target} matches nothing`);
    warn(`the repair of ${target} (${interpretation}) is not needed any more`);
  }
  for (const { parent, key, value } of locations.reverse()) {
    if (action['remove'] === true) {
      if (parent === null) throw new Error('the root of a document cannot be removed');
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
    } else if (isObject(value) && isObject(action['update'])) mergeInto(value, action['update']);
    else if (Array.isArray(value) && action['update'] !== undefined) value.push(structuredClone(action['update']));
    else throw new Error(`overlay action ${target} can update objects and arrays only`);
  }
}

function mergeInto(target: JsonObject, update: JsonObject): void {
  for (const [key, value] of Object.entries(update)) {
    const present = target[key];
    if (isObject(present) && isObject(value)) mergeInto(present, value);
    else if (Array.isArray(present) && Array.isArray(value)) present.push(...structuredClone(value));
    else target[key] = structuredClone(value);
  }
}

/** Pointers where `after` is laxer than `before`: a dropped `required`, a wider `enum`, an opened object. */
function findLoosened(before: Json | undefined, after: Json | undefined, pointer = ''): string[] {
  if (Array.isArray(before)) {
    return before.flatMap((item, index) =>
      findLoosened(item, Array.isArray(after) ? after[index] : undefined, `${pointer}/${index}`),
    );
  }
  if (!isObject(before)) return [];
  const now: JsonObject = isObject(after) ? after : {};
  const found = Object.keys(before).flatMap((key) => findLoosened(before[key], now[key], `${pointer}/${key}`));
  if (!includesAll(now['required'], before['required'])) found.push(`${pointer}/required`);
  if (Array.isArray(before['enum']) && !(Array.isArray(now['enum']) && includesAll(before['enum'], now['enum']))) {
    found.push(`${pointer}/enum`);
  }
  const closed = (node: JsonObject) =>
    node['additionalProperties'] === false || node['unevaluatedProperties'] === false;
  if (closed(before) && !closed(now)) found.push(`${pointer}/additionalProperties`);
  return found;
}

function includesAll(whole: Json | undefined, part: Json | undefined): boolean {
  return !Array.isArray(part) || part.every((item) => Array.isArray(whole) && whole.includes(item));
}
