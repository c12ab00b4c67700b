import { Unreachable } from '../../api/client.ts'
import { examine, type Finding } from '../../daemon/doctor.ts'
import type { Options } from '../commands/host.ts'
import { Ended, EXIT } from '../exit.ts'
import { daemonIfThere, nobodyThere, type ReachOptions } from '../reach.ts'
import { printRows, rowsOf } from '../rows.ts'

export async function doctor({ output, ...reach }: Options): Promise<void> {
  const findings = [...examine(), await daemon(reach)]
  await printRows(
    rowsOf(findings, '', [
      { head: 'what', cell: (row) => row.what },
      { head: 'state', cell: (row) => row.state },
      { head: 'found', cell: (row) => row.found },
    ]),
    output,
  )
  const remedies = findings.filter(({ state, remedy }) => state !== 'ok' && remedy !== undefined)
  if (output.as === 'table' || output.as === 'wide') {
    if (remedies.length > 0) console.log('\nwhat to do:')
    for (const { what, remedy = '' } of remedies) console.log(`  ${what}: ${remedy.replaceAll('\n', '\n    ')}`)
    const bad = findings.filter(({ state }) => state === 'no').length
    console.log(bad === 0 ? '\nall that is needed is there' : `\n${bad} of these ${bad === 1 ? 'does' : 'do'} not work`)
  }
  if (findings.some(({ state }) => state === 'no')) throw new Ended(EXIT.failed)
}

async function daemon(reach: ReachOptions): Promise<Finding> {
  try {
    using client = await daemonIfThere(reach)
    if (client === undefined)
      return { what: 'daemon', state: 'warning', found: 'none runs', remedy: 'sudo tessera daemon starts one' }
    const graphs = (await client.listGraphs()).body
    const failed = graphs.filter(({ state }) => state === 'failed').map(({ name }) => name)
    return failed.length === 0
      ? { what: 'daemon', state: 'ok', found: `runs ${graphs.length} graph${graphs.length === 1 ? '' : 's'}` }
      : {
          what: 'daemon',
          state: 'warning',
          found: `${failed.join(', ')} failed`,
          remedy: 'tessera describe GRAPH says why',
        }
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    const [first] = nobodyThere(error).diagnostics
    return { what: 'daemon', state: 'warning', found: first?.message ?? '', remedy: first?.remedy ?? '' }
  }
}
