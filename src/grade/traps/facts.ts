/** The facts that a trap notes while the command runs. */
import type { InterceptedCall } from '../../http/interceptor.ts';
import type { RequirementId } from '../catalogue.ts';
import type { TrapFacts } from './trap.ts';

export interface Noted {
  readonly call: InterceptedCall | undefined;
  readonly detail: string;
  readonly only: RequirementId | undefined;
}

export interface NotedFacts extends TrapFacts {
  /** True once the trap is in place. */
  readonly isArmed: () => boolean;
  /** Answers in which the client met the trap. */
  readonly reached: readonly InterceptedCall[];
  readonly forbidden: () => Noted | undefined;
  readonly required: () => Partial<Noted> | undefined;
  readonly warning: () => Noted | undefined;
  /** Why the trap was not reached, if it knows. */
  readonly missed: () => string | undefined;
}

/** `onReach` and `onForbid` are called when it happens for the first time. */
export function createTrapFacts({
  onReach,
  onForbid,
}: {
  onReach?: () => void;
  onForbid?: () => void;
} = {}): NotedFacts {
  const reached: InterceptedCall[] = [];
  let isArmed = false;
  let forbidden: Noted | undefined;
  let required: Partial<Noted> | undefined;
  let warning: Noted | undefined;
  let missed: string | undefined;
  return {
    arm() {
      isArmed = true;
    },
    reach(call) {
      reached.push(call);
      if (reached.length === 1) onReach?.();
    },
    forbid(call, detail, only) {
      if (forbidden) return;
      forbidden = { call, detail, only };
      onForbid?.();
    },
    require(call, detail) {
      required ??= { call, ...(detail !== undefined && { detail }) };
    },
    warn(call, detail, only) {
      warning ??= { call, detail, only };
    },
    miss(detail) {
      missed = detail;
    },
    isArmed: () => isArmed,
    reached,
    forbidden: () => forbidden,
    required: () => required,
    warning: () => warning,
    missed: () => missed,
  };
}
