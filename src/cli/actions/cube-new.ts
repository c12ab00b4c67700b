import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { refusal } from '../../base/diagnostic.ts'
import { NAME, NAME_RULE } from '../../cube/document.ts'
import { newCubeFiles } from '../new-cube-files.ts'

export async function newCube(given: string): Promise<void> {
  const folder = resolve(given)
  const name = basename(folder)
  if (!NAME.test(name)) throw refusal(`${name} is no name for a cube`, NAME_RULE)
  if (existsSync(folder)) throw refusal(`${given} is there already`, 'name a folder that is not, or remove it')
  if (!existsSync(dirname(folder)))
    throw refusal(`there is no folder ${dirname(folder)}`, `mkdir -p ${dirname(folder)}`)
  const files = { ...newCubeFiles(name), ...(hasPackage(folder) ? {} : PACKAGE) }
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(folder, file), text)
    console.log(`wrote ${join(given, file)}`)
  }
  const shown = relative('', folder) || '.'
  const missing = ['tessera/cube', 'zod', 'vitest'].filter((one) => !isFound(one, folder))
  console.log(['', 'next:', ...nextSteps(folder, shown, missing).map((line) => `  ${line}`)].join('\n'))
}

function nextSteps(folder: string, shown: string, missing: readonly string[]): string[] {
  const root = dirname(dirname(dirname(import.meta.dirname)))
  const packages = missing.map((one) => (one === 'tessera/cube' ? root : one))
  return [
    ...(packages.length === 0
      ? []
      : [`npm install --prefix ${hasPackage(folder) ? '.' : shown} ${packages.join(' ')}`]),
    `npx vitest run ${shown}`,
    `tessera compile ${shown}`,
    `tessera cube docs ${shown}`,
  ]
}

/** Where no package is around it, it is one. */
const PACKAGE = { 'package.json': `${JSON.stringify({ private: true, type: 'module' }, undefined, 2)}\n` }

function hasPackage(folder: string): boolean {
  const above = dirname(folder)
  if (above === folder) return false
  return existsSync(join(above, 'package.json')) || hasPackage(above)
}

function isFound(specifier: string, folder: string): boolean {
  try {
    createRequire(join(folder, 'schema.ts')).resolve(specifier)
    return true
  } catch {
    return false
  }
}
