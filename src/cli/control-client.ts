/** A client of a running world's control API, for the commands that read it. */
import { ConfigError } from '../errors.ts';
import { CONTROL_PORT_OFFSET, type Config } from './options.ts';

export interface ControlApi {
  readonly origin: string;
  /** JSON body of a GET of the path. Undefined for 404. Throws ConfigError for other errors. */
  read(path: string): Promise<unknown>;
  /** JSON body of the response to a POST. Throws ConfigError for errors. */
  post(path: string, body: object): Promise<unknown>;
}

/** The control API at `url`, or else at the port that the options give. Throws ConfigError. */
export function openControlApi(config: Config, command: string, url: string | undefined): ControlApi {
  const origin = url ?? `http://localhost:${config.controlPort ?? config.port + CONTROL_PORT_OFFSET}`;
  if (config.controlToken === undefined)
    throw new ConfigError(`touchstone ${command} needs --control-token, which the banner of the world shows`);
  return createControlApi(origin, config.controlToken, 'TOUCHSTONE_CONTROL');
}

/** `source` is the option or variable that holds the URL. Throws ConfigError. */
export function createControlApi(url: string, token: string, source: string): ControlApi {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new ConfigError(`${source} takes an http(s) URL, not '${url}'`);
  }
  const origin = url.replace(/\/+$/, '');
  const authorization = `Bearer ${token}`;

  async function request(path: string, init: RequestInit): Promise<unknown> {
    const response = await fetch(origin + path, init).catch(() => {
      throw new ConfigError(`no world answers at ${origin}; start it, or set its --control-port`);
    });
    if (response.status === 404) return undefined;
    const body = (await response.json().catch(() => {
      throw new ConfigError(`what answers at ${origin} is not a control API; set its --control-port`);
    })) as { error?: { description: string } };
    if (!response.ok) throw new ConfigError(`${origin} rejected the request: ${body.error?.description}`);
    return body;
  }

  return {
    origin,
    read: (path) => request(path, { headers: { authorization } }),
    async post(path, body) {
      const headers = { authorization, 'content-type': 'application/json' };
      const reply = await request(path, { method: 'POST', headers, body: JSON.stringify(body) });
      if (reply === undefined) throw new ConfigError(`${origin} does not know ${path}`);
      return reply;
    },
  };
}
