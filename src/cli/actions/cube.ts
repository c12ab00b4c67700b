import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { type CubeDescription, describeCube } from '../../daemon/cube-description.ts'
import { builtinCubes } from '../../daemon/host.ts'
import type { Options } from '../commands/cube.ts'
import { printCube } from '../cube-text.ts'
import { cubeRows } from '../listing.ts'
import { printData } from '../output.ts'
import { daemonIfThere, daemonOf, type ReachOptions } from '../reach.ts'
import { printRows } from '../rows.ts'

/** Without a daemon, those that come with Tessera. */
export async function list({ output, ...reach }: Options): Promise<void> {
  using client = await daemonIfThere(reach, 'anybody')
  await printRows(cubeRows(client === undefined ? await ownCubes() : (await client.listCubes()).body), output)
}

async function ownCubes(): Promise<CubeDescription[]> {
  const catalogue = builtinCubes()
  const cubes = []
  for (const name of catalogue.names()) cubes.push(describeCube(await catalogue.find(name, '/'), 'builtin'))
  return cubes
}

export async function docs(name: string, { output, ...reach }: Options): Promise<void> {
  using client = await daemonIfThere(reach, 'anybody')
  const cube = await described(client, name)
  if (output.as === 'table' || output.as === 'wide') console.log(printCube(cube))
  else await printData(cube, output)
}

async function described(client: Client | undefined, name: string): Promise<CubeDescription> {
  const isFolder = existsSync(join(name, 'dataplane.ts'))
  if (!isFolder && client !== undefined) return (await client.getCube({ cube: name })).body
  const folder = await builtinCubes().find(isFolder ? resolve(name) : name, process.cwd())
  return describeCube(folder, isFolder ? 'folder' : 'builtin')
}

export async function add(folder: string, reach: ReachOptions): Promise<void> {
  using client = daemonOf(reach)
  const { name, summary } = (await client.addCube({ body: { path: folderOf(folder) } })).body
  console.log(`cube ${name} is checked, compiled, tested and registered: ${summary}`)
  console.log(`tessera cube docs ${name} tells how it is configured`)
}

export async function upgrade(cube: string, folder: string | undefined, reach: ReachOptions): Promise<void> {
  using client = daemonOf(reach)
  const path = folder === undefined ? await originOf(client, cube) : folderOf(folder)
  const { name } = (await client.upgradeCube({ cube, body: { path } })).body
  console.log(`cube ${name} is as in ${path} now; its instances went over to it`)
}

export async function remove(cube: string, reach: ReachOptions): Promise<void> {
  using client = daemonOf(reach)
  const { name, from, folder } = (await client.removeCube({ cube })).body
  console.log(`cube ${name} is forgotten; ${from ?? folder} is as it was`)
}

/** Where it was added from; one that comes with Tessera is refused by the daemon. */
async function originOf(client: Client, cube: string): Promise<string> {
  const { from, folder } = (await client.getCube({ cube })).body
  return from ?? folder
}

function folderOf(folder: string): string {
  if (!existsSync(join(folder, 'dataplane.ts')))
    throw refusal(
      `there is no cube in ${resolve(folder)}`,
      'a cube is a folder with schema.ts, dataplane.ts and control.ts: tessera cube new makes one',
    )
  return resolve(folder)
}
