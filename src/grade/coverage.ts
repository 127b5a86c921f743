/** The part of Open Payments that a client exercised: operations, and statuses that the documents declare for them. */
import { routes as auth } from '../../generated/auth-server/routes.ts';
import { routes as resource } from '../../generated/resource-server/routes.ts';
import { routes as walletAddress } from '../../generated/wallet-address-server/routes.ts';
import type { Route } from '../http/operation.ts';
import type { Coverage } from './report.ts';

/** Statuses that any HTTP server can send. They are declared for every operation, and tell nothing about a client. */
const generalStatuses: ReadonlySet<number> = new Set([405, 406, 413, 415, 429, 500, 503]);

/** GNAP discovery is not an operation of Open Payments. */
const declared = new Map<string, readonly number[]>(
  [walletAddress, auth, resource]
    .flatMap((routes) => Object.values<Route>(routes))
    .filter(({ tags }) => !tags.includes('discovery'))
    .map(({ operationId, responses }) => [operationId, responses.filter((status) => !generalStatuses.has(status))]),
);

export interface CoverageCounter {
  observe(exchange: { readonly operation: string; readonly status: number | null }): void;
  read(): Coverage;
}

export function createCoverageCounter(): CoverageCounter {
  const operations = new Set<string>();
  const pairs = new Set<string>();
  let requests = 0;
  return {
    observe({ operation, status }) {
      requests += 1;
      const statuses = declared.get(operation);
      if (statuses === undefined || status === null) return;
      operations.add(operation);
      if (statuses.includes(status)) pairs.add(`${operation} ${status}`);
    },
    read: () => ({
      requests,
      operations: { seen: operations.size, declared: declared.size },
      statuses: { seen: pairs.size, declared: [...declared.values()].flat().length },
      missing: [...declared.keys()].filter((operation) => !operations.has(operation)),
    }),
  };
}
