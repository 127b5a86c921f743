/** `touchstone --version`. */
import packageJson from '../../package.json' with { type: 'json' };

export const describeVersion = (): string => `touchstone ${packageJson.version}, Node.js ${process.version}`;
