import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const MODULE = join(import.meta.dirname, 'capture-file.ts')

test('where there is no more room in the middle of a block, none of it stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-capture-'))
  const file = join(folder, 'full.pcapng')
  const script = `
    import { createCaptureFile } from ${JSON.stringify(MODULE)}
    const { put } = createCaptureFile(${JSON.stringify(file)}, 'name another file')
    for (;;) put(new Uint8Array(300).fill(7))`
  try {
    // Files of 512 or 1024 bytes, as the shell counts, are the longest that it may write.
    const limited = 'ulimit -f 1; exec "$0" --import tsx --input-type=module -e "$1"'
    const { stderr } = spawnSync('sh', ['-c', limited, process.execPath, script], { encoding: 'utf8' })
    expect(stderr).toContain(`cannot write ${file}: EFBIG`)
    expect(stderr).toContain('name another file')
    const { length } = readFileSync(file)
    expect(length).toBeGreaterThan(0)
    expect(length % 300).toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
