/** The control API: handlers for every operation, the bearer token and the error format. */
import document from '../../generated/control/document.json' with { type: 'json' };
import { type Handlers, routes } from '../../generated/control/routes.ts';
import { requests, responseBody } from '../../generated/control/validators.js';
import { isStorableJson } from '../database/columns.ts';
import { onlyHeaderLine } from '../http/received-request.ts';
import { createRequestValidator, RequestInvalid } from '../http/request-validator.ts';
import type { Server } from '../http/server.ts';
import { requestedHost } from '../net/request-line.ts';
import { createAccountHandlers } from './accounts.ts';
import type { AdministrationDeps, ControlCall } from './ase-access.ts';
import { createAuditLogHandlers, withAuditLog } from './audit-log.ts';
import type { Controls } from './controls.ts';
import { createEventHandlers } from './events.ts';
import { createFeeAndRateHandlers } from './fees-and-rates.ts';
import { createGrantHandlers } from './grants.ts';
import { checkOperator } from './operator.ts';
import { createOutgoingPaymentHandlers } from './outgoing-payments.ts';
import { createPacketInDoubtHandlers } from './packets-in-doubt.ts';
import { createPeerAccountHandlers } from './peer-accounts.ts';
import { createPeerHandlers } from './peers.ts';
import { renderControlProblem } from './problem.ts';
import { createSecretHandlers } from './secrets.ts';
import { createTransferHandlers } from './transfers.ts';
import { createWalletAddressKeyHandlers } from './wallet-address-keys.ts';
import { createWalletAddressHandlers } from './wallet-addresses.ts';
import { createFaultHandlers, createWorldHandlers } from './world.ts';
import { createWorldsHandlers } from './worlds.ts';

const validateByDocument = createRequestValidator({ document, requests, unknownParameters: 'refuse' });

/** Every change is recorded in the audit log, which cannot hold all text that JSON can. */
export const validateControlRequest: typeof validateByDocument = async (request) => {
  if (!isStorableJson(request.body)) throw new RequestInvalid(400, 'text must be valid Unicode without NUL');
  return validateByDocument(request);
};

const createAseHandlers = (deps: AdministrationDeps) => ({
  ...createAccountHandlers(deps),
  ...createWalletAddressHandlers(deps),
  ...createWalletAddressKeyHandlers(deps),
  ...createPeerHandlers(deps),
  ...createPeerAccountHandlers(deps),
  ...createOutgoingPaymentHandlers(deps),
  ...createPacketInDoubtHandlers(deps),
  ...createFeeAndRateHandlers(deps),
  ...createGrantHandlers(deps),
  ...createSecretHandlers(deps),
  ...createEventHandlers(deps),
  ...createTransferHandlers(deps),
  ...createAuditLogHandlers(deps),
});

export const createControlHandlers = (controls: Controls, administration: AdministrationDeps) =>
  ({
    ...withAuditLog(administration, createAseHandlers(administration)),
    ...createWorldHandlers(controls),
    ...createFaultHandlers(controls),
    ...createWorldsHandlers(controls),
  }) satisfies Handlers<ControlCall>;

/** `hosts` are the accepted values of Host, and of the host in Origin. */
export function createControlServer(
  handlers: Handlers<ControlCall>,
  token: string,
  hosts: readonly string[],
): Server<undefined> {
  return {
    name: 'control',
    routes,
    validateRequest: validateControlRequest,
    responseBody,
    handlers: { ...handlers },
    validates: 'after-authentication',
    identify: async ({ exchange }) => {
      const header = (name: string) => onlyHeaderLine(exchange, name);
      const host = requestedHost({ url: exchange.rawTarget, headers: { host: header('host') } });
      const headers = { host, origin: header('origin'), authorization: header('authorization') };
      checkOperator(headers, token, hosts);
      return { caller: undefined };
    },
    render: (problem, _operationId, failureId) => renderControlProblem(problem, failureId),
  };
}
