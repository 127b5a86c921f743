/**
 * For each requirement on clients, the change to the good client that violates it. Some show in a usual run, the others
 * only in a run in which the server misbehaves.
 */
import type { Change } from './changes.ts';
import { grantChanges } from './grants.ts';
import { httpChanges, securityChanges } from './http.ts';
import { keyChanges } from './keys.ts';
import { resourceChanges } from './resources.ts';
import { signatureChanges } from './signatures.ts';
import { tokenChanges } from './tokens.ts';
import { walletChanges } from './wallet-addresses.ts';

export const broken: Readonly<Record<string, Change>> = {
  ...signatureChanges,
  ...keyChanges,
  ...grantChanges,
  ...tokenChanges,
  ...walletChanges,
  ...resourceChanges,
  ...httpChanges,
  ...securityChanges,
};
