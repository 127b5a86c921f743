/** Conversion at the edge of the database: amounts are numeric (strings in a row), instants are timestamptz. */

export interface Asset {
  readonly code: string;
  readonly scale: number;
}

export const toAsset = (row: { asset_code: string; asset_scale: number }): Asset => ({
  code: row.asset_code,
  scale: row.asset_scale,
});

export const toDebitAsset = (row: { debit_asset_code: string; debit_asset_scale: number }): Asset => ({
  code: row.debit_asset_code,
  scale: row.debit_asset_scale,
});

export const toReceiveAsset = (row: { receive_asset_code: string; receive_asset_scale: number }): Asset => ({
  code: row.receive_asset_code,
  scale: row.receive_asset_scale,
});

/** False for text with a NUL, which a text column cannot hold. */
export const isStorableText = (text: string): boolean => !text.includes('\0');

/** False for a JSON value with text, names of members included, that has a NUL or half a surrogate pair: PostgreSQL stores neither. */
export function isStorableJson(root: unknown): boolean {
  // Without recursion, which deep nesting would exhaust.
  const values = [root];
  for (const value of values) {
    if (typeof value === 'string' && !(isStorableText(value) && value.isWellFormed())) return false;
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) values.push(name, member);
  }
  return true;
}

/** Text to look up in a text column. With a NUL it cannot be there, so it becomes '', which is never stored. */
export const toLookupText = (text: string | undefined): string =>
  text !== undefined && isStorableText(text) ? text : '';

/** A numeric column as a bigint. */
export const toAmount = (column: string): bigint => BigInt(column);

/** A timestamptz column as milliseconds since the epoch. */
export const toMillis = (column: string): number => Date.parse(column);

/** Milliseconds since the epoch as an ISO 8601 string, for a column or for the wire. */
export const toInstant = (millis: number): string => new Date(millis).toISOString();

/** A bytea column as a Buffer. */
export const toBuffer = (column: Uint8Array): Buffer =>
  Buffer.from(column.buffer, column.byteOffset, column.byteLength);

/** A value for a json column: pg would send an array as a PostgreSQL array. */
export const toJson = <T>(value: T): T => JSON.stringify(value) as T;
