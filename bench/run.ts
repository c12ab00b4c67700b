/**
 * `npm run bench -- NAME [CASE …]`: one file per comparison beside this one; all of its cases, or those that are named.
 *   --list    the comparisons
 *   --quick   fewer rounds: to see that it works, not to quote
 *   --json    the results as JSON
 */
import { readdirSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { table } from '../src/cli/table.ts'
import type { Comparison, Result } from './comparison.ts'

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean' }, quick: { type: 'boolean' }, json: { type: 'boolean' } },
})

const [name, ...cases] = positionals
if (values.list === true) console.log(names.join('\n'))
else if (name === undefined || !names.includes(name)) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${names.join(', ')}`)
  process.exitCode = 2
} else {
  const { default: comparison } = (await import(join(import.meta.dirname, `${name}.bench.ts`))) as {
    default: Comparison
  }
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} CPUs, Linux ${release()}, Node.js ${process.version}`
  const result: Result = { name, machine, ...(await comparison({ quick: values.quick ?? false, cases })) }
  console.log(values.json === true ? JSON.stringify(result, undefined, 2) : print(result))
}

function print({ name, unit, machine, cases, geomean, ...more }: Result): string {
  const rows = (of: Result['cases']) =>
    of.map(({ case: one, ours, peer, ratio }) => [one, ours.toFixed(1), peer.toFixed(1), ratio.toFixed(2)])
  const parts = [
    `${name}, ${unit} (${machine})`,
    table(['case', 'ours', 'peer', 'ratio'], rows(cases)),
    `geometric mean ${geomean.toFixed(3)}`,
  ]
  for (const [title, part] of Object.entries(more)) {
    if (part === undefined) continue
    if (typeof part === 'number') {
      parts.push('', `${title}: ${part}`)
      continue
    }
    if ('bridges' in part) {
      parts.push(
        '',
        `${title}: ${Object.entries(part)
          .map(([what, value]) => `${what} ${value.toFixed(1)}`)
          .join(', ')}`,
      )
      continue
    }
    if ('mib' in part) {
      parts.push('', `${title}: ${part.ms.toFixed(0)} ms, ${part.mib.toFixed(0)} MiB`)
      continue
    }
    if ('value' in part) {
      parts.push('', `${title}: ${part.value.toFixed(2)} ${part.unit}`)
      continue
    }
    parts.push(
      '',
      `${title}, ${part.unit}`,
      table(['case', 'ours', 'peer', 'ratio'], rows(part.cases)),
      `geometric mean ${part.geomean.toFixed(3)}`,
    )
  }
  return parts.join('\n')
}
