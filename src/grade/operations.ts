/** Operations of the Open Payments documents, which are those that clients call. */
import { routes as authServer } from '../../generated/auth-server/routes.ts';
import { routes as resourceServer } from '../../generated/resource-server/routes.ts';
import { routes as walletAddressServer } from '../../generated/wallet-address-server/routes.ts';
import { type CallerKind, type Policy, policies } from '../http/policy.ts';

const documented = new Set([authServer, resourceServer, walletAddressServer].flatMap((routes) => Object.keys(routes)));

/** Undefined for pages, private endpoints and unknown paths. */
export const policyFor = (operation: string): Policy | undefined =>
  documented.has(operation) ? policies[operation] : undefined;

export const callerOf = (operation: string): CallerKind | undefined => policyFor(operation)?.caller;

/** Operations of the resource server. */
export const isResourceOperation = (operation: string): boolean => Object.hasOwn(resourceServer, operation);
