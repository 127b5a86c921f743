/** The control API of a running world, for the commands that read it. */

import { ConfigError } from '../errors.ts';
import type { Config } from './options.ts';

export interface ControlApi {
  readonly origin: string;
  /** The JSON that a GET of the path answers; undefined where nothing is found. Throws ConfigError. */
  read(path: string): Promise<unknown>;
}

/** Where the options say that it is; `given` is its URL, where that is known. Throws ConfigError. */
export function openControlApi(config: Config, command: string, given: string | undefined): ControlApi {
  const origin = given ?? `http://localhost:${config.controlPort ?? config.port + 900}`;
  if (config.controlToken === undefined)
    throw new ConfigError(`touchstone ${command} needs --control-token, which the banner of the world shows`);
  return createControlApi(origin, config.controlToken);
}

export const createControlApi = (origin: string, token: string): ControlApi => ({
  origin,
  async read(path) {
    const response = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } }).catch(() => {
      throw new ConfigError(`no world answers at ${origin}; give its --control-port`);
    });
    if (response.status === 404) return undefined;
    const body = (await response.json()) as { error?: { description: string } };
    if (!response.ok) throw new ConfigError(`${origin} refused: ${body.error?.description}`);
    return body;
  },
});
