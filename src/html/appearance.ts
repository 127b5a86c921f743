/** Colours and icon that all pages share, and the source by which a policy allows a style sheet. */
import { createHash } from 'node:crypto';

/** Custom properties for light and dark mode. */
export const PALETTE = `
:root{color-scheme:light dark;--ground:#eef1f4;--paper:#fff;--ink:#17212b;--soft:#526070;--line:#d5dce3;--edge:#76828e;
--accent:#0b5a6b;--on-accent:#fff;--tint:#e6f1f3;--bad:#a4262c;--bad-tint:#fdeeee}
@media(prefers-color-scheme:dark){:root{--ground:#0f151b;--paper:#18212a;--ink:#e8edf2;--soft:#a3b0bd;--line:#2d3a46;
--edge:#8493a1;--accent:#7fd0e0;--on-accent:#06232a;--tint:#14313a;--bad:#ffb3b0;--bad-tint:#3a1d1f}}`;

/** Inlined, so that the browser requests nothing else. */
export const ICON =
  'data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22 viewBox=%220 0 8 8%22%3E' +
  '%3Crect width=%228%22 height=%228%22 rx=%222%22 fill=%22%230b5a6b%22/%3E%3C/svg%3E';

/** The source expression of an inline style sheet (CSP Level 3 §2.3.1). */
export const styleSourceOf = (style: string): string =>
  `'sha256-${createHash('sha256').update(style).digest('base64')}'`;
