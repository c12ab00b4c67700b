/** A cube in a folder of its own, whose files change while graphs run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface ChangingCube extends Disposable {
  readonly folder: string
  /** From now on it drops whatever comes, for this reason. It has only `some` and `others`: no other one compiles. */
  drop(reason: string): void
}

const KIT = JSON.stringify(resolve(import.meta.dirname, '../cube/index.ts'))

/** One that drops whatever comes, for the reason `some`. */
export function changingCube(): ChangingCube {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-changing-'))
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text)
  const drop = (reason: string): void =>
    write(
      'dataplane.ts',
      `import { dataplane } from ${KIT}
import simple from './schema.ts'
export default dataplane(simple, (packet, { drop }) => drop('${reason}'))
`,
    )
  write('package.json', '{ "type": "module" }')
  write(
    'schema.ts',
    `import { z } from 'zod'
import { defineCube } from ${KIT}
export default defineCube('simple', {
  summary: 'an example', ports: z.strictObject({}), config: z.strictObject({}), state: {},
  drops: { some: 'some', others: 'others' },
})
`,
  )
  drop('some')
  return { folder, drop, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
