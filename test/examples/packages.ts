/** The packages of this checkout in another directory, as `npm install touchstone` would put them there. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..', '..');

/** The library needs no build. */
export async function linkPackages(directory: string): Promise<void> {
  const packages = join(directory, 'node_modules');
  const touchstone = join(packages, 'touchstone');
  for (const path of [touchstone, join(packages, '.bin')]) await mkdir(path, { recursive: true });
  const manifest = { name: 'touchstone', type: 'module', exports: './index.js' };
  await writeFile(join(touchstone, 'package.json'), JSON.stringify(manifest));
  const library = pathToFileURL(join(root, 'src', 'index.ts')).href;
  await writeFile(join(touchstone, 'index.js'), `export * from '${library}';\n`);
  await symlink(join(root, 'examples'), join(touchstone, 'examples'));
  await symlink(join(root, 'bin', 'touchstone.mjs'), join(packages, '.bin', 'touchstone'));
  await symlink(join(root, 'node_modules', '@interledger'), join(packages, '@interledger'));
}
