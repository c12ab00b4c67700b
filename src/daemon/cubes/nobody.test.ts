/** Nobody comes to what is in folders that are closed to others, and to nothing else of them. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingCapabilities } from '../../kernel/capabilities.ts'
import { NOBODYS_RIGHTS, removeScratch, wayTo } from './nobody.ts'
import { ROOT } from './staging.ts'

const reason = missingCapabilities(['CAP_SYS_ADMIN', 'CAP_SETUID', 'CAP_SETGID']).length > 0 ? 'takes root' : undefined

describe.skipIf(reason !== undefined)(
  `a folder that others cannot enter${reason === undefined ? '' : ` (${reason})`}`,
  () => {
    // As mkdtemp makes it: mode 0700.
    const closed = mkdtempSync(join(realpathSync(tmpdir()), 'tessera-closed-'))
    const folder = join(closed, "it's", 'one')
    const program = join(closed, 'program')
    beforeAll(() => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'file'), 'read')
      writeFileSync(join(closed, 'secret'), 'no')
      writeFileSync(program, '#!/bin/sh\ncat "$@"\n', { mode: 0o755 })
    })
    afterAll(() => rmSync(closed, { recursive: true }))

    const asNobody = (paths: readonly string[], ...words: readonly string[]) => {
      const [command = '', ...rest] = [...wayTo(paths), ...NOBODYS_RIGHTS, ...words]
      return spawnSync(command, rest, { encoding: 'utf8' })
    }

    test('has what is named at its place, to read', () => {
      expect(asNobody([], 'cat', join(folder, 'file')).stderr).toContain('Permission denied')
      expect(asNobody([folder, program], program, join(folder, 'file')).stdout).toBe('read')
      expect(asNobody([folder], 'cat', join(closed, 'secret')).stderr).toContain('No such file')
      const left = asNobody([folder], 'sh', '-c', `id -u; ls -A '${closed}'; touch "$1"`, 'sh', join(folder, 'new'))
      expect(left.stdout).toBe("65534\nit's\n")
      expect(left.stderr).toContain('Read-only file system')
    })

    test('what nobody could read there is said', () => {
      chmodSync(folder, 0o700)
      expect(() => wayTo([folder])).toThrow(`chmod -R o+rX ${folder}`)
      chmodSync(folder, 0o755)
    })

    test('without CAP_SYS_ADMIN, it is refused', () => {
      const script = `
      import { register } from 'tsx/esm/api'
      register()
      const { wayTo } = await import(${JSON.stringify(join(ROOT, 'src/daemon/cubes/nobody.ts'))})
      console.log(await Promise.resolve().then(() => wayTo(['/usr/bin', process.env.AT])).catch((error) => error.message))`
      const words = [
        '--inh-caps=-all',
        '--bounding-set=-all,+setuid,+setgid',
        process.execPath,
        '--input-type=module',
        '-e',
        script,
      ]
      const { stdout } = spawnSync('setpriv', words, {
        encoding: 'utf8',
        cwd: ROOT,
        env: { ...process.env, AT: folder },
      })
      expect(stdout).toContain(`nobody, who cannot enter ${closed}, where`)
      expect(stdout).toContain(`chmod o+x ${closed}`)
    })
  },
)

describe.skipIf(reason !== undefined)(`what nobody leaves${reason === undefined ? '' : ` (${reason})`}`, () => {
  const home = mkdtempSync(join(realpathSync(tmpdir()), 'tessera-left-'))
  afterAll(() => rmSync(home, { recursive: true }))
  const scratchFolder = (name: string): string => {
    const scratch = join(home, name)
    chmodSync(home, 0o755)
    mkdirSync(scratch)
    chmodSync(scratch, 0o1777)
    return scratch
  }

  test('goes, closed folders and links too, and not what they lead to', async () => {
    const scratch = scratchFolder('own')
    const kept = join(home, 'kept')
    mkdirSync(kept)
    writeFileSync(join(kept, 'file'), 'kept')
    chmodSync(kept, 0o777)
    const script = `cd "$1" && mkdir -p a/b && touch a/b/c && chmod 0 a/b && ln -s "$2" a/link && ln -s "$2" link`
    const made = spawnSync('setpriv', [...NOBODYS_RIGHTS.slice(1), 'sh', '-c', script, 'sh', scratch, kept])
    expect(made.status).toBe(0)
    await removeScratch(scratch)
    expect(existsSync(scratch)).toBe(false)
    expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('kept')
  })

  test('and what others have there stays: nothing is removed with more rights', async () => {
    const scratch = scratchFolder('others')
    mkdirSync(join(scratch, 'of-root'))
    writeFileSync(join(scratch, 'of-root/file'), 'kept')
    symlinkSync(join(scratch, 'of-root'), join(scratch, 'link'))
    await expect(removeScratch(scratch)).rejects.toThrow('ENOTEMPTY')
    expect(readFileSync(join(scratch, 'of-root/file'), 'utf8')).toBe('kept')
  })
})
