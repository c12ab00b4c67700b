import type { Client } from '../../api/client.ts'
import { refusal } from '../../base/diagnostic.ts'
import { withControlPlanes } from '../../daemon/control-report.ts'
import { openKernelHost } from '../../daemon/host.ts'
import type { Options } from '../commands/show.ts'
import { daemonIfThere } from '../reach.ts'
import { printInstance, printStatus } from '../status.ts'
import { statusOf } from '../status-of.ts'

export async function show(only: string | undefined, { machine, json = false, ...reach }: Options): Promise<void> {
  if (machine === 'vm')
    throw refusal(
      'a graph on the user-space machine ends with the command that ran it: there is nothing to show',
      'tessera apply FILE --machine vm runs it and prints what it did',
    )
  if (only?.includes('/') === true)
    throw refusal(
      `${only} is an instance, and this shows graphs`,
      `tessera describe ${only}; or tessera show ${only.split('/')[0]}`,
    )
  using client = await daemonIfThere(reach)
  const graphs = client === undefined ? await here(only) : await byDaemon(client, only)
  if (json)
    console.log(
      JSON.stringify(
        graphs.map(({ data }) => data),
        asNumber,
        2,
      ),
    )
  else console.log(graphs.length === 0 ? 'no graph runs here' : graphs.map(({ text }) => text).join('\n\n'))
}

const asNumber = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

interface Shown {
  readonly data: object
  readonly text: string
}

async function here(only: string | undefined): Promise<Shown[]> {
  using host = openKernelHost()
  const shown = []
  for (const name of only === undefined ? host.engine.names() : [only]) {
    const status = withControlPlanes(await host.engine.status(name))
    shown.push({ data: status, text: printStatus(status) })
  }
  return shown
}

async function byDaemon(client: Client, only: string | undefined): Promise<Shown[]> {
  const names = only === undefined ? (await client.listGraphs()).body.map(({ name }) => name) : [only]
  const shown = []
  for (const graph of names) {
    const { body } = await client.getGraphStatus({ graph })
    const { name, state, reason, point, revision } = body
    const instances = body.instances.map(statusOf)
    const how = [
      ...(point === undefined ? [] : [`by ${point}`]),
      ...(revision === undefined ? [] : [`revision ${revision}`]),
      ...(state === 'running' ? [] : [reason === undefined ? state : `${state}: ${reason}`]),
    ]
    shown.push({
      data: { ...body, instances },
      text: [`graph ${[name, ...how].join(', ')}`, ...instances.map((one) => printInstance(one))].join('\n\n'),
    })
  }
  return shown
}
