/** How long the secrets must be that an operator chooses. Shorter ones are refused at start. */
import { ConfigError } from '../errors.ts';

/** Characters. */
const MIN_SECRET_LENGTH = 12;
/** Characters, for a world that other machines can reach. */
export const MIN_EXPOSED_SECRET_LENGTH = 16;

/** Throws ConfigError for a short secret; an unset variable often arrives as an empty one. */
export function checkSecret(name: string, secret: string | undefined): void {
  if (secret !== undefined && secret.length < MIN_SECRET_LENGTH) {
    const found = secret === '' ? 'is empty' : 'is too short';
    throw new ConfigError(`${name} ${found}: give at least ${MIN_SECRET_LENGTH} characters, or leave it out`);
  }
}

/** True for a secret that must not be used where other machines can reach the world. */
export const isShortSecret = (secret: string | undefined): boolean =>
  secret !== undefined && secret.length < MIN_EXPOSED_SECRET_LENGTH;
