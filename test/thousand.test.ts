/** Graphs that are large, and programs that are. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { tree } from '../bench/change/tree.ts'
import { Held } from '../src/base/held.ts'
import { openVirtualHost } from '../src/daemon/host.ts'
import { describeActions } from '../src/engine/plan/plan.ts'
import { readGraph } from '../src/engine/read/read.ts'

test('a thousand instances with four thousand ports become programs, in which each counts for itself', async () => {
  using host = openVirtualHost()
  const { text, interfaces } = tree(1000)
  for (const [index, name] of interfaces.entries()) host.machine.addInterface(name, { mac: macOf(index) })
  const { wanted } = await host.engine.plan(await readGraph('tree.yaml', text, host.catalogue))
  const attachments = Object.entries(wanted.attachments)
  expect(attachments.length).toBeGreaterThanOrEqual(interfaces.length)
  for (const name of interfaces) {
    const found = attachments.find(([, one]) => one.interface === name)
    const instance = name === 'top' ? 'b0' : name.replace(/^e(\d+)x\d$/, 'b$1')
    // The bridge that packets come to first, and no map that the graph does not have.
    expect(Object.keys(found?.[1].program.maps ?? {})).toContain(`${instance}/counters`)
  }
  const programs = [...attachments.map(([, one]) => one), ...Object.values(wanted.slots).flat()]
  for (const { program, maps } of programs) {
    const used = new Set(program.instructions.flatMap(({ map }) => map ?? []))
    expect(new Set(Object.keys(program.maps))).toEqual(used)
    for (const path of Object.values(maps)) expect(wanted.maps).toHaveProperty([path])
  }
})

test('whoever asks what would be done sees whose data planes are in a program', async () => {
  using host = openVirtualHost()
  const { text, interfaces } = tree(2)
  for (const [index, name] of interfaces.entries()) host.machine.addInterface(name, { mac: macOf(index) })
  const { actions } = await host.engine.plan(await readGraph('tree.yaml', text, host.catalogue))
  const lines = describeActions(actions).filter((line) => line.includes(' program ') && line.includes('e1x1'))
  expect(lines.join()).toMatch(/instructions of b1, b0\)$/)
})

test('bridges that differ in their numbers are one module of the virtual machine for each compilation', async () => {
  using host = openVirtualHost()
  using held = new Held()
  const { machine } = host
  const { text, interfaces } = tree(20)
  for (const [index, name] of interfaces.entries()) machine.addInterface(name, { mac: macOf(index) })
  const { wanted } = await host.engine.plan(await readGraph('tree.yaml', text, host.catalogue))
  const programs = [...Object.values(wanted.attachments), ...Object.values(wanted.slots).flat()]
  const wasm: { Module: ModuleClass } = Reflect.get(globalThis, 'WebAssembly')
  const { exports } = wasm.Module
  const made = vi.spyOn(wasm, 'Module')
  onTestFinished(() => made.mockRestore())
  for (const { program } of programs) {
    const maps = Object.entries(program.maps).map(
      ([name, description]) => [name, held.use(machine.createMap('map', description))] as const,
    )
    held.use(machine.load(program, Object.fromEntries(maps))).run(new Uint8Array(64))
  }
  const compilations = new Set(programs.map(({ program }) => program.open))
  expect(programs.length).toBeGreaterThan(4 * compilations.size)
  // The others are tables of functions.
  const runs = made.mock.results.filter(({ value }) => exports(value).some(({ name }) => name === 'run'))
  expect(runs.length).toBe(compilations.size)
})

interface ModuleClass {
  new (bytes: Uint8Array): object
  exports(module: unknown): readonly { readonly name: string }[]
}

const macOf = (index: number): string =>
  `02:00:00:00:${[index >> 8, index & 255].map((octet) => octet.toString(16).padStart(2, '0')).join(':')}`
