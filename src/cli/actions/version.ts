import { release } from 'node:os'
import type { Options } from '../commands/host.ts'
import { printData } from '../output.ts'
import { daemonIfThere } from '../reach.ts'
import { version } from '../version.ts'

export async function printVersion({ output, ...reach }: Options): Promise<void> {
  const is = {
    tessera: version(),
    node: process.versions.node,
    kernel: `${process.platform === 'linux' ? 'Linux' : process.platform} ${release()}`,
    daemon: await daemonVersion(reach),
  }
  if (output.as !== 'table' && output.as !== 'wide') return printData(is, output)
  for (const [what, value] of Object.entries(is)) console.log(`${`${what}:`.padEnd(9)}${value ?? 'none answers'}`)
}

async function daemonVersion(reach: Omit<Options, 'output'>): Promise<string | null> {
  using client = await daemonIfThere(reach, 'anybody')
  if (client === undefined) return null
  const { info } = (await client.getDescription()).body as { readonly info?: { readonly version?: unknown } }
  return typeof info?.version === 'string' ? info.version : null
}
