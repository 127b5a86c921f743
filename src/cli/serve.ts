/** `--serve` and the URLs that go with it: which servers of an ASE a process runs, and where the others are. */

import { missingUrls, ownUrls, type ServerName, type ServerUrls, serverNames } from '../ase/server-urls.ts';
import { ConfigError } from '../errors.ts';
import { type Config, options } from './options.ts';

/** The servers that `--serve` names. Default: all of them. Throws ConfigError. */
export function readServedServers(config: Config): readonly ServerName[] {
  const given = readServerUrls(config);
  if (config.serve === undefined) {
    const [url] = Object.keys(given) as (keyof ServerUrls)[];
    if (url && config.ase === undefined)
      throw new ConfigError(`--${options[url].flag} needs --ase, because the URL belongs to one ASE`);
    return serverNames;
  }
  if (config.ase === undefined) throw new ConfigError('--serve needs --ase, because the servers belong to one ASE');
  const names = config.serve.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !(serverNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new ConfigError(`--serve takes ${serverNames.join(', ')}, not '${unknown}'`);
  const served = serverNames.filter((name) => names.includes(name));
  const missing = missingUrls(served, given).map((url) => `--${options[url].flag}`);
  if (missing.length > 0) throw new ConfigError(`--serve ${config.serve} needs ${missing.join(', ')}`);
  return served;
}

/** The server URLs on the command line. Throws ConfigError unless they are http(s) URLs. */
export function readServerUrls(config: Config): Partial<ServerUrls> {
  const names = Object.keys(ownUrls).flatMap((server) => ownUrls[server as ServerName]);
  const given = names.flatMap((name) => {
    const text = config[name];
    if (text === undefined) return [];
    if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
      throw new ConfigError(`--${options[name].flag} takes an absolute http(s) URL, not '${text}'`);
    }
    return [[name, text] as const];
  });
  return Object.fromEntries(given);
}
