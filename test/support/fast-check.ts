/** fast-check with the seed of the tests; import it from here instead of from the package. */
import fc from 'fast-check';
import { seed } from './seed.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

export default fc;
