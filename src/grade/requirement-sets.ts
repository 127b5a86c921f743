/** Frozen sets of requirements with their levels: a client is graded by a set that later versions do not change. */
import { ConfigError, didYouMean } from '../errors.ts';
import type { ProfileName } from '../profile.ts';
import { type RequirementId, requirementIds, requirements } from './catalogue.ts';
import type { Level } from './requirement.ts';
import set130 from './sets/1.3.0.json' with { type: 'json' };

interface FrozenRequirement {
  readonly level: Level;
  readonly compat?: Level;
}

export interface RequirementSet {
  readonly name: string;
  /** Level in the profile. Undefined for a requirement that is not in the set. */
  levelOf(id: RequirementId, profile: ProfileName): Level | undefined;
}

/** Named after the version of Open Payments. */
const frozen: Readonly<Record<string, Readonly<Record<string, FrozenRequirement>>>> = {
  '1.3.0': set130 as Readonly<Record<string, FrozenRequirement>>,
};

export const setNames: readonly string[] = Object.keys(frozen);

/** All requirements of this version. */
export const CURRENT_SET = 'current';

/** Throws ConfigError for an unknown name. */
export function findRequirementSet(name: string): RequirementSet {
  if (name === CURRENT_SET) return createSet(name, requirements);
  const entries = Object.hasOwn(frozen, name) ? frozen[name] : undefined;
  if (entries === undefined) {
    const names = [...setNames, CURRENT_SET];
    throw new ConfigError(
      `--requirements: no set has the name ${name.slice(0, 100)}${didYouMean(name, names) || `; the sets are ${names.join(', ')}`}`,
    );
  }
  return createSet(name, entries);
}

const createSet = (name: string, entries: Readonly<Record<string, FrozenRequirement>>): RequirementSet => ({
  name,
  levelOf(id, profile) {
    const entry = Object.hasOwn(entries, id) ? entries[id] : undefined;
    return profile === 'compat' ? (entry?.compat ?? entry?.level) : entry?.level;
  },
});

/** Ids that match a list of ids, areas and beginnings such as `CL-SIG-0*`, separated by commas. Throws ConfigError. */
export function selectRequirements(patterns: string): RequirementId[] {
  const selected = new Set<RequirementId>();
  for (const pattern of patterns.split(',').map((each) => each.trim().toUpperCase())) {
    const beginning = pattern.endsWith('*') ? pattern.slice(0, -1) : undefined;
    const matches = (id: string) =>
      beginning === undefined ? id === pattern || id.startsWith(`${pattern}-`) : id.startsWith(beginning);
    const matching = requirementIds.filter(matches);
    if (pattern === '' || matching.length === 0) {
      const suggestion = didYouMean(pattern, requirementIds) || '; touchstone explain lists all ids';
      throw new ConfigError(`--only: no requirement matches '${pattern.slice(0, 100)}'${suggestion}`);
    }
    for (const id of matching) selected.add(id);
  }
  return requirementIds.filter((id) => selected.has(id));
}
