import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What `tsc` says about some files, beside `schema.ts`: in a folder that nobody else's `tsc` looks into. */
export function typeErrors(files: ReadonlyMap<string, string>): string {
  const directory = mkdtempSync(join(import.meta.dirname, '.samples-'))
  try {
    for (const [name, text] of files)
      writeFileSync(join(directory, name), text.replace("'./schema.ts'", "'../schema.ts'"))
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
    const include = ['*.ts']
    writeFileSync(
      join(directory, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions, include }),
    )
    const tsc = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' })
    return status === 0 ? '' : `${stdout}${stderr}` || `tsc ended with ${status}`
  } finally {
    rmSync(directory, { recursive: true })
  }
}
