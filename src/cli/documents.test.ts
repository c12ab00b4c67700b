import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const MODULE = JSON.stringify(new URL('./documents.ts', import.meta.url).href)

test('whoever waits for a graph on standard input can be told to end meanwhile', async () => {
  const script = `import { sourcesOf } from ${MODULE}
const sources = sourcesOf(['-'])
process.stderr.write('waits')
console.log((await sources)[0].document)`
  const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  const child = spawn(process.execPath, words, { stdio: 'pipe' })
  const said = text(child.stdout)
  expect(String(await once(child.stderr, 'data'))).toBe('waits')
  child.stdin.end('graph: lan\ninstances: {}\n')
  expect(await said).toBe("{ graph: 'lan', instances: {} }\n")
})
