/** Members that response bodies of several resources share. */
import type { Page } from '../administration/cursor-page.ts';
import type { Asset } from '../open-payments/amount.ts';

export const toAssetBody = ({ code, scale }: Asset) => ({ assetCode: code, assetScale: scale });

export const toPageBody = ({ endCursor, hasNextPage }: Omit<Page<unknown>, 'items'>) => ({
  endCursor: endCursor ?? null,
  hasNextPage,
});
