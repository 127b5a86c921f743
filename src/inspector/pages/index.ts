/** All pages of the inspector. */
import type { Route } from '../route.ts';
import { catalogueRoutes } from './catalogue.ts';
import { controlRoutes } from './controls.ts';
import { eventRoutes } from './events.ts';
import { flowPage } from './flow.ts';
import { grantRoutes } from './grants.ts';
import { ledgerRoutes } from './ledger.ts';
import { packetRoutes } from './packet.ts';
import { payRoutes } from './pay.ts';
import { paymentPage } from './payment.ts';
import { paymentRoutes } from './payments.ts';
import { reportPage } from './report.ts';
import { requestPage } from './request.ts';
import { requestRoutes } from './requests.ts';
import { walletRoutes } from './wallet.ts';
import { walletsPage } from './wallets.ts';

export const pageRoutes: readonly Route[] = [
  ...requestRoutes,
  requestPage,
  flowPage,
  ...payRoutes,
  ...paymentRoutes,
  ...paymentPage,
  ...packetRoutes,
  walletsPage,
  ...walletRoutes,
  ...grantRoutes,
  ...ledgerRoutes,
  ...eventRoutes,
  ...catalogueRoutes,
  ...controlRoutes,
  reportPage,
];
