/** The form of the inspector's pages and actions. */

import type { Controls } from '../control/controls.ts';
import type { ControlApi } from '../control/local-api.ts';
import type { Queryable } from '../database/database.ts';
import type { Html } from '../html/html.ts';
import type { HandPayments } from './hand-payments.ts';
import type { LiveStreams } from './live.ts';
import type { Session } from './session.ts';

/** A world as the inspector sees it. */
export interface InspectedWorld {
  readonly controls: Controls;
  readonly api: ControlApi;
  readonly query: Queryable;
  /** Key of an ASE's rows in the database. Undefined if this process does not host it. */
  readonly keyOf: (ase: string) => string | undefined;
  readonly businessNow: () => number;
  readonly handPayments: HandPayments;
  readonly live: LiveStreams;
  /** Ends the payments by hand and the event streams. */
  close(): void;
}

/** The world, the session and the request for which a page is made. */
export interface PageContext {
  readonly world: InspectedWorld;
  readonly session: Session;
  /** Path of the world's pages, without a slash at its end. */
  readonly base: string;
  /** Origin of the inspector as the browser knows it. */
  readonly origin: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

export interface PageContent {
  readonly title: string;
  readonly content: Html;
  /**
   * Milliseconds between updates without the event stream; with it, five times as many. Absent for a page that does not
   * change.
   */
  readonly every?: number;
}

/** A whole document with its content security policy. */
export interface PageDocument {
  readonly document: string;
  readonly policy: string;
}

/** A file that the browser saves. */
export interface Download {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/** Where a form leads after it has done its work. */
export interface Redirection {
  /** Below the base. */
  readonly to: string;
  readonly notice?: string;
}

export type Route =
  | {
      readonly method: 'GET';
      readonly path: string;
      readonly serve: (context: PageContext) => Promise<PageContent | PageDocument | Download>;
    }
  | {
      readonly method: 'POST';
      readonly path: string;
      readonly serve: (
        context: PageContext,
        form: Readonly<Record<string, string>>,
      ) => Promise<Redirection | PageContent>;
    };

/** Milliseconds between updates of a page that shows what happens. */
export const LIVE_MS = 1000;
