/** Statements that PostgreSQL has refused because of a constraint. */
import type { Tables } from './tables.ts';

/** SQLSTATE (PostgreSQL manual, appendix A). */
const codes = { 'not null': '23502', 'foreign key': '23503', unique: '23505' } as const;

/** True if the error says that a row of this table would have violated a constraint of this kind. */
export function isViolation(error: unknown, constraint: keyof typeof codes, table: keyof Tables): boolean {
  const { code, table: ofTable } = error as { readonly code?: unknown; readonly table?: unknown };
  return code === codes[constraint] && ofTable === table;
}

/** True if PostgreSQL has answered with an error, and so has rolled back; false if the connection was lost. */
export const isRolledBack = (error: unknown): boolean => (error as { severity?: unknown }).severity !== undefined;
