/**
 * Makes the template that embedded databases start from, in the cache of the checkout or in the directory that is
 * named: `make build` puts it beside the bundle.
 */
import { basename, join } from 'node:path';
import { buildTemplate } from './embedded.ts';
import { templateFile } from './template.ts';

const [, , directory] = process.argv;
await buildTemplate(directory === undefined ? templateFile : join(directory, basename(templateFile)));
