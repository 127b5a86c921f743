// The control API of the target, as far as checks need it: the clock and the decision of the scripted identity provider.
import type { Environment } from './environment.ts';
import { exchange } from './http-exchange.ts';

export type ConsentMode = 'auto' | 'deny' | 'manual';

export interface Control {
  readonly available: boolean;
  /** Moves business time forward by whole seconds. */
  advanceClock(seconds: number): Promise<void>;
  /** Runs `work` under another consent mode, and puts `auto` back. */
  withConsent<T>(mode: ConsentMode, work: () => Promise<T>): Promise<T>;
}

/** @param moved called with the seconds by which the clock was moved */
export function createControl(environment: Environment, moved: (seconds: number) => void): Control {
  const post = async (path: string, value: unknown): Promise<void> => {
    const { control } = environment;
    if (!control) throw new Error('this check needs the control API: TOUCHSTONE_CONTROL is not set');
    const body = Buffer.from(JSON.stringify(value));
    const headers = [
      ['authorization', `Bearer ${control.token}`],
      ['content-type', 'application/json'],
    ] as const;
    const answer = await exchange({ method: 'POST', url: control.origin + path, headers, body });
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`POST ${path} of the control API answered ${answer.status}`);
  };
  return {
    available: environment.control !== undefined,
    advanceClock: async (seconds) => {
      await post('/clock', { advance: seconds });
      moved(seconds);
    },
    withConsent: async (mode, work) => {
      await post('/consent', { mode });
      try {
        return await work();
      } finally {
        await post('/consent', { mode: 'auto' });
      }
    },
  };
}
