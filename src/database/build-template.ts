/** Puts the template that embedded databases start from beside the compiled code; part of `make build`. */
import { buildTemplate } from './database.ts';
import { templateFile } from './template.ts';

await buildTemplate(templateFile);
