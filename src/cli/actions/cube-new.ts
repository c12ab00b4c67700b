import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { refusal } from '../../base/diagnostic.ts'
import { NAME, NAME_RULE } from '../../cube/document.ts'
import { packageAround } from '../../cube/import-failure.ts'
import { newCubeFiles } from '../new-cube-files.ts'

export async function newCube(given: string): Promise<void> {
  const folder = resolve(given)
  const name = basename(folder)
  if (!NAME.test(name)) throw refusal(`${name} is no name for a cube`, NAME_RULE)
  if (existsSync(folder)) throw refusal(`${given} is there already`, 'name a folder that is not, or remove it')
  if (!existsSync(dirname(folder)))
    throw refusal(`there is no folder ${dirname(folder)}`, `mkdir -p ${dirname(folder)}`)
  const files = { ...newCubeFiles(name), ...(packageAround(folder) === undefined ? PACKAGE : {}) }
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, file), text)
    console.log(`wrote ${join(given, file)}`)
  }
  const missing = ['tessera/cube', 'zod', 'vitest'].filter((one) => !isFound(one, folder))
  console.log(['', 'next:', ...nextSteps(folder, missing).map((line) => `  ${line}`)].join('\n'))
}

/** In the folder of its package, where npx finds what is installed. */
function nextSteps(folder: string, missing: readonly string[]): string[] {
  const root = dirname(dirname(dirname(import.meta.dirname)))
  const packages = missing.map((one) => (one === 'tessera/cube' ? root : one))
  const around = packageAround(folder)
  const home = around === undefined ? folder : dirname(around.file)
  const shown = relative(home, folder) || '.'
  return [
    ...(home === process.cwd() ? [] : [`cd ${relative('', home)}`]),
    ...(around?.type === 'module' ? [] : ['npm pkg set type=module']),
    ...(packages.length === 0 ? [] : [`npm install ${packages.join(' ')}`]),
    `npx vitest run ${shown}`,
    `npx tessera compile ${shown}`,
    `npx tessera cube docs ${shown}`,
  ]
}

/** Where no package is around it, it is one. */
const PACKAGE = { 'package.json': `${JSON.stringify({ private: true, type: 'module' }, undefined, 2)}\n` }

function isFound(specifier: string, folder: string): boolean {
  try {
    createRequire(join(folder, 'schema.ts')).resolve(specifier)
    return true
  } catch {
    return false
  }
}
