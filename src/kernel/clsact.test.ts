import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const MODULE = JSON.stringify(new URL('./clsact.ts', import.meta.url).href)

/** Those of these filters that are of an instance. */
function ownOf(instance: string, names: readonly string[]): unknown {
  const script = `import { isOwnFilter } from ${MODULE}
console.log(JSON.stringify(${JSON.stringify(names)}.filter((name) => isOwnFilter({ name }))))`
  const env = { ...process.env, TESSERA_INSTANCE: instance }
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script]
  return JSON.parse(spawnSync(process.execPath, args, { encoding: 'utf8', env }).stdout)
}

test('a filter is of the instance that made it', () => {
  const names = ['tessera:lan/s/links/a', 'tessera+clsact:lan/s/links/a', 'tessera-b:lan/s/links/a', 'other:lan']
  expect(ownOf('', names)).toEqual(names.slice(0, 2))
  expect(ownOf('b', names)).toEqual(names.slice(2, 3))
  expect(ownOf('c', names)).toEqual([])
})
