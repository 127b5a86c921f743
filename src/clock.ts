/**
 * The two clocks. Business time drives tokens, `wait`, quotes, exchange rates, interactions, expiry, intervals and
 * the retries of webhook events; it can be frozen, advanced and set. Wire time is the wall: packet expiry, timeouts,
 * leases, caches, logs and signature freshness. Only this file reads the system's clock.
 */

/** Both in milliseconds since the epoch. */
export interface Clock {
  readonly businessNow: () => number;
  readonly wallNow: () => number;
}

/** How business time relates to the wall: it runs `offset` ms apart, or is frozen at `at`. */
export interface ClockSetting {
  readonly mode: 'live' | 'frozen';
  readonly offset: number;
  readonly at: number;
}

export const liveClock: ClockSetting = { mode: 'live', offset: 0, at: 0 };

export type ClockChange =
  | { readonly action: 'freeze' }
  | { readonly action: 'run' }
  | { readonly action: 'advance'; readonly milliseconds: number }
  | { readonly action: 'set'; readonly time: number };

/** The wall itself, for what belongs to no world. */
export const wallNow = (): number => Date.now();

/** Milliseconds by which a monotonic clock and the wall may drift apart. */
const MAX_DRIFT = 1000;
let epoch = performance.timeOrigin;

/**
 * Wall time whose differences are durations: a monotonic clock counts it, and it is set anew only where the wall jumps,
 * as after the machine slept.
 */
export function steadyNow(): number {
  const now = epoch + performance.now();
  const jump = Date.now() - now;
  if (Math.abs(jump) < MAX_DRIFT) return now;
  epoch += jump;
  return now + jump;
}

export class WorldClock implements Clock {
  setting: ClockSetting = liveClock;
  readonly wallNow: () => number;

  constructor(now: () => number = wallNow) {
    this.wallNow = now;
  }

  readonly businessNow = (): number =>
    this.setting.mode === 'frozen' ? this.setting.at : this.wallNow() + this.setting.offset;

  /** The setting after a change; business time does not jump unless told to. */
  after(change: ClockChange): ClockSetting {
    const now = this.businessNow();
    const { mode } = this.setting;
    const standing = (at: number): ClockSetting => ({ mode: 'frozen', offset: 0, at });
    const running = (at: number): ClockSetting => ({ mode: 'live', offset: at - this.wallNow(), at: 0 });
    switch (change.action) {
      case 'freeze':
        return standing(now);
      case 'run':
        return running(now);
      case 'advance':
        return (mode === 'frozen' ? standing : running)(now + change.milliseconds);
      case 'set':
        return (mode === 'frozen' ? standing : running)(change.time);
    }
  }
}
