/** Reads JSON bodies strictly, and the shapes that both servers share: objects, amounts, wallet address URLs. */
import { type Exchange, Refusal } from './http.ts';
import { fieldOf } from './signatures.ts';

// biome-ignore lint/suspicious/noExplicitAny: input of clients; what is read of it is checked where it is read.
export type Json = any;

export interface Amount {
  readonly value: string;
  readonly assetCode: string;
  readonly assetScale: number;
}

const MAX_DEPTH = 64;
const MAX_AMOUNT = 2n ** 64n - 1n;

/** Type and coding of a body. @throws Refusal with this status */
export function checkContentType(exchange: Exchange, status: 400 | 415, code: string): void {
  const type = fieldOf(exchange, 'content-type') ?? '';
  if (!/^application\/json\s*(;[^,]*)?$/i.test(type)) throw new Refusal(status, code, 'the body is not JSON');
  const coding = fieldOf(exchange, 'content-encoding') ?? 'identity';
  if (coding.toLowerCase() !== 'identity') throw new Refusal(status, code, 'the body is encoded');
}

/** @throws Refusal unless the bytes are an object in JSON without unusual numbers, depth or characters */
export function parseObject(bytes: Buffer, code: string): Json {
  const refuse = (reason: string): Refusal => new Refusal(400, code, reason);
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw refuse('the body is not JSON');
  }
  const visit = (node: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) throw refuse('the body is nested too deeply');
    if (typeof node === 'number' && !Number.isFinite(node)) throw refuse('a number is too large');
    if (typeof node === 'string' && (node.includes('\0') || !node.isWellFormed())) throw refuse('text is not Unicode');
    if (node === null || typeof node !== 'object') return;
    for (const [name, member] of Object.entries(node)) {
      visit(name, depth);
      visit(member, depth + 1);
    }
  };
  visit(value, 0);
  if (!isObject(value)) throw refuse('the body is not an object');
  return value;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The members of an object are these and no others, and the required ones are there. */
export function hasMembers(value: unknown, required: readonly string[], optional: readonly string[] = []): boolean {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  return (
    required.every((name) => names.includes(name)) &&
    names.every((name) => required.includes(name) || optional.includes(name))
  );
}

/** The amount, without members that it does not have; undefined if it is not one. */
export function readAmount(value: Json): Amount | undefined {
  if (!isObject(value)) return undefined;
  const { value: digits, assetCode, assetScale } = value;
  if (typeof digits !== 'string' || !/^(0|[1-9]\d{0,19})$/.test(digits) || BigInt(digits) > MAX_AMOUNT)
    return undefined;
  if (typeof assetCode !== 'string' || assetCode === '') return undefined;
  if (!Number.isInteger(assetScale) || Number(assetScale) < 0 || Number(assetScale) > 255) return undefined;
  return { value: digits, assetCode, assetScale: Number(assetScale) };
}

export const isWebUrl = (value: unknown): value is string =>
  typeof value === 'string' && /^https?:\/\/[^\s\\@#]+$/i.test(value) && URL.canParse(value);
