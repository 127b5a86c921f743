/** Columns that many tables have. */
import { p } from '@mikro-orm/core';

export const ase = () => p.text().primary();
export const id = () => p.text().primary();
export const amount = () => p.decimal().precision(20).scale(0).$type<string>();
export const instant = () => p.datetime(3).$type<string>();
export const assetCode = () => p.text();
export const assetScale = () => p.smallint();
