/** The form of a trap: how a server behaves in a probe, and the facts that it notes. */
import type { InterceptedCall, Interceptor } from '../../http/interceptor.ts';
import type { Switches } from '../../profile.ts';
import type { RequirementId } from '../catalogue.ts';
import type { GradedExchange } from '../graded-exchange.ts';
import type { ProbeId } from '../probes.ts';
import type { ReportedOutcome } from '../reported-outcomes.ts';

/** An exchange of the control run, in which nothing was changed. */
export type ControlExchange = Pick<
  GradedExchange,
  'ase' | 'operation' | 'request' | 'status' | 'body' | 'answer' | 'receivedAt' | 'answeredAt'
>;

/** Changes of a world for a probe, as far as rewritten answers cannot make them. */
export interface WorldChanges {
  /** The servers of each ASE have separate hosts, ports and paths. */
  readonly apart?: true;
  /** Scale of the assets of sender and receiver, which then have the same currency. */
  readonly assetScale?: number;
}

/** A provider of the world, with the URLs that its documents publish. */
export interface TrapAse {
  readonly name: string;
  readonly walletAddressServer: string;
  /** Grant endpoint, with its trailing slash. */
  readonly authServer: string;
  readonly resourceServer: string;
}

/** The world of a trap. */
export interface TrapWorld {
  readonly ases: readonly TrapAse[];
  /** Wallet addresses. */
  readonly sender: string;
  readonly receiver: string;
  readonly hashEncoding: Switches['hashEncoding'];
}

/** Observations of a trap. Evidence is the call that decided. */
export interface TrapFacts {
  arm(): void;
  reach(call: InterceptedCall): void;
  /**
   * `detail` says what the client did, without secrets. `only` is the requirement that this violates, if the probe judges
   * several.
   */
  forbid(call: InterceptedCall | undefined, detail: string, only?: RequirementId): void;
  /** `detail` is for a client that did not go on, but reacted rightly. */
  require(call: InterceptedCall, detail?: string): void;
  /** A reaction that only warns. */
  warn(call: InterceptedCall | undefined, detail: string, only?: RequirementId): void;
  /** Notes a sentence that says why the client has not reached the trap. The last one counts. */
  miss(detail: string): void;
}

export interface TrapContext extends TrapWorld {
  /** From 0. */
  readonly round: number;
  /** Empty where the trap was armed without a control run. */
  readonly control: readonly ControlExchange[];
  /** From the outcome file of the control run. */
  readonly controlOutcomes: readonly ReportedOutcome[];
  readonly facts: TrapFacts;
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Milliseconds of wall time. */
  wallNow(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Calls an http URL on loopback, as a browser would. False without an answer, and if the host is not loopback. */
  visit(url: string): Promise<boolean>;
  /** The verdict waits for this work, such as a call that is still to come when the process has ended. */
  track(work: Promise<unknown>): void;
  /** Runs when the command has ended by itself, with what the client reported. */
  onEnd(work: (outcomes: readonly ReportedOutcome[]) => void): void;
  /** Runs when the trap is disarmed. */
  onDisarm(work: () => void): void;
}

export interface Trap {
  /** Names of its rounds, each of which needs a separate run. Default: one round without a name. */
  readonly rounds?: readonly string[];
  /** Operations that the control run must have called, in addition to what `suits` finds. */
  readonly needs: readonly string[];
  /** False if the control run shows that this client cannot be judged. */
  suits?(control: readonly ControlExchange[], round: number): boolean;
  changes?(round: number): WorldChanges;
  /** The requirements that this round judges. Default: all of the probe. */
  judges?(round: number): readonly RequirementId[];
  /** The probe that must have passed before, because this round cannot tell without. */
  after?(round: number): ProbeId | undefined;
  /** A client that stops, where it should go on, only warns. */
  readonly stopWarns?: true;
  set(context: TrapContext): Interceptor | Promise<Interceptor>;
}
