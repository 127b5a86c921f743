/** A client of a running world's control API, for the commands that read it. */
import { ConfigError } from '../errors.ts';
import type { Config } from './options.ts';

export interface ControlApi {
  readonly origin: string;
  /** JSON body of a GET of the path. Undefined for 404. Throws ConfigError for other errors. */
  read(path: string): Promise<unknown>;
}

/** The control API at `url`, or else at the port that the options give. Throws ConfigError. */
export function openControlApi(config: Config, command: string, url: string | undefined): ControlApi {
  const origin = url ?? `http://localhost:${config.controlPort ?? config.port + 900}`;
  if (config.controlToken === undefined)
    throw new ConfigError(`touchstone ${command} needs --control-token, which the banner of the world shows`);
  return createControlApi(origin, config.controlToken);
}

export const createControlApi = (origin: string, token: string): ControlApi => ({
  origin,
  async read(path) {
    const response = await fetch(origin + path, { headers: { authorization: `Bearer ${token}` } }).catch(() => {
      throw new ConfigError(`no world answers at ${origin}; set its --control-port`);
    });
    if (response.status === 404) return undefined;
    const body = (await response.json()) as { error?: { description: string } };
    if (!response.ok) throw new ConfigError(`${origin} rejected the request: ${body.error?.description}`);
    return body;
  },
});
