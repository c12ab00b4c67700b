import { refusal } from '../../base/diagnostic.ts'
import { openKernelHost } from '../../daemon/host.ts'
import type { Options } from '../commands/show.ts'
import { printStatus } from '../status.ts'

export async function show(only: string | undefined, { machine, json = false }: Options): Promise<void> {
  if (machine === 'vm')
    throw refusal(
      'a graph on the user-space machine ends with the command that ran it: there is nothing to show',
      'tessera apply FILE --machine vm runs it and prints what it did',
    )
  using host = openKernelHost()
  const names = only === undefined ? host.engine.names() : [only]
  const graphs = []
  for (const name of names) graphs.push(await host.engine.status(name))
  if (json) console.log(JSON.stringify(graphs, (_, value) => (typeof value === 'bigint' ? Number(value) : value), 2))
  else console.log(graphs.length === 0 ? 'no graph runs here' : graphs.map((graph) => printStatus(graph)).join('\n\n'))
}
