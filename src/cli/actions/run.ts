import type { Command } from 'commander'
import { refusal } from '../../base/diagnostic.ts'
import { openVirtualHost } from '../../daemon/host.ts'
import { replay } from '../../daemon/replay.ts'
import { saveReport, toJson } from '../../daemon/replay-report.ts'
import { findWire, listWires } from '../../engine/graph/ports.ts'
import type { Hook, Options } from '../commands/run.ts'
import { attachedAt, onlySource } from '../documents.ts'
import { SIGNALLED } from '../exit.ts'
import { showProgress } from '../progress.ts'
import { printReplay } from '../replay.ts'

const HOOK = { tc: 'tc ingress', xdp: 'xdp' } as const satisfies Readonly<Record<Hook, string>>

export async function run(
  command: Command,
  file: string,
  { in: given = [], out, format, hook, json = false }: Options,
): Promise<void> {
  using host = openVirtualHost()
  const graph = await attachedAt(await onlySource(file), hook && HOOK[hook]).read(host.catalogue)
  if (given.length === 0)
    command.error(
      `error: nothing to replay: --in port=file says what arrives where\n${graph.graph.name}: ${listWires(graph.graph)}`,
    )
  if (given.filter(({ file }) => file === '-').length + (file === '-' ? 1 : 0) > 1)
    throw refusal('standard input can be read only once', 'put all but one of its uses into files')
  const inputs = given.map(({ port, file }) => ({ port: findWire(graph.graph, port), file }))
  const stop = new AbortController()
  let code: number | undefined
  for (const [signal, number] of Object.entries(SIGNALLED))
    process.once(signal, () => {
      code = number
      stop.abort()
    })
  using progress = showProgress(process.stderr)
  const replayed = await replay(host, graph, { inputs, out, format, progress: progress.update, signal: stop.signal })
  progress[Symbol.dispose]()
  if (out !== undefined) saveReport(out, replayed)
  const isEmpty = replayed.first === undefined && replayed.incomplete !== undefined
  if (json) console.log(toJson(replayed))
  else if (!isEmpty) console.log(printReplay(replayed))
  if (replayed.incomplete === undefined) return
  if (code === undefined) throw replayed.incomplete
  process.stderr.write(`${replayed.incomplete.message}\n`)
  // Standard input may still be waited for.
  process.exit(code)
}
