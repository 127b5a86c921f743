/** Conversion at the edge of the database: amounts are numeric (strings in a row), instants are timestamptz. */

/** A numeric column as a bigint. */
export const toAmount = (column: string): bigint => BigInt(column);

/** A timestamptz column as milliseconds since the epoch: pg gives a string, PGlite a Date, which Date.parse would round. */
export const toMillis = (column: string): number => new Date(column).getTime();

/** Milliseconds since the epoch as an ISO 8601 string, for a column or for the wire. */
export const toInstant = (millis: number): string => new Date(millis).toISOString();

/** A bytea column as a Buffer: pg gives one, PGlite gives a Uint8Array. */
export const toBuffer = (column: Uint8Array): Buffer =>
  Buffer.from(column.buffer, column.byteOffset, column.byteLength);

/** A value for a json column: pg would send an array as a PostgreSQL array. */
export const toJson = <T>(value: T): T => JSON.stringify(value) as T;
