import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Running } from '../engine/plan/records.ts'
import { unreachable } from '../kernel/ffi.ts'
import { FileRecords } from './records.ts'
import { RememberedRecords } from './remembered-records.ts'

const record = (name: string, file: string): Running => ({
  version: 1,
  state: 'applied',
  file,
  namespace: '',
  graph: { name, instances: [], interfaces: [] },
  numbering: {},
  point: 'tc ingress',
  programs: {},
  maps: { layouts: [], at: {} },
})

describe.skipIf(unreachable() !== undefined)('records in files', () => {
  let top = ''
  let folder = ''
  let records: FileRecords

  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'tessera-records-'))
    folder = join(top, 'run/graphs')
    records = new FileRecords(folder)
  })
  afterEach(() => rmSync(top, { recursive: true }))

  test('are written, written again and removed, and nothing is left beside them', () => {
    expect(records.names()).toEqual([])
    for (const file of ['a.yaml', 'b.yaml', 'c.yaml']) {
      records.write(record('net', file))
      expect(records.read('net')).toEqual(record('net', file))
      expect(readdirSync(folder)).toEqual(['net.json'])
    }
    records.remove('net')
    expect(records.read('net')).toBeUndefined()
    expect(readdirSync(top)).toEqual([])
  })

  test('another one is another file: a reader that has the old one open reads it to its end', () => {
    records.write(record('net', 'a.yaml'))
    const { ino } = statSync(join(folder, 'net.json'))
    records.write(record('net', 'b.yaml'))
    expect(statSync(join(folder, 'net.json')).ino).not.toBe(ino)
  })

  test('whether it was written since is known without reading it', () => {
    expect(records.stamp('net')).toBeUndefined()
    records.write(record('net', 'a.yaml'))
    const stamp = records.stamp('net')
    expect(new FileRecords(folder).stamp('net')).toBe(stamp)
    records.write(record('net', 'a.yaml'))
    expect(records.stamp('net')).not.toBe(stamp)
  })

  test('what somebody was killed in the middle of writing is in nobody’s way', () => {
    records.write(record('net', 'a.yaml'))
    writeFileSync(join(folder, 'net.json.new'), '{"ver')
    expect(records.names()).toEqual(['net'])
    expect(records.read('net')?.file).toBe('a.yaml')
    records.write(record('net', 'b.yaml'))
    expect(readdirSync(folder)).toEqual(['net.json'])
    expect(records.read('net')?.file).toBe('b.yaml')
  })

  test('and goes with whoever tidies up', () => {
    expect(new FileRecords(join(folder, 'none')).isTidy()).toBe(true)
    records.write(record('net', 'a.yaml'))
    expect(records.isTidy()).toBe(true)
    for (const name of ['net', 'other']) writeFileSync(join(folder, `${name}.json.new`), '{"ver')
    expect(records.isTidy()).toBe(false)
    records.tidy()
    expect(readdirSync(folder)).toEqual(['net.json'])
    expect(records.isTidy()).toBe(true)
  })

  test('one that is empty is none; one that is broken is refused', () => {
    records.write(record('net', 'a.yaml'))
    writeFileSync(join(folder, 'net.json'), '')
    expect(records.read('net')).toBeUndefined()
    expect(new FileRecords(folder).names()).toEqual([])
    writeFileSync(join(folder, 'net.json'), '{"ver')
    expect(() => records.read('net')).toThrow(/net\.json cannot be read\n.*tessera delete net/)
  })

  test('are read once while they are remembered, and again afterwards', () => {
    const remembered = new RememberedRecords(records)
    const others = (file: string) => records.write(record('net', file))
    others('a.yaml')
    {
      using _memory = remembered.remember()
      expect(remembered.read('net')?.file).toBe('a.yaml')
      others('b.yaml')
      expect(remembered.read('net')?.file).toBe('a.yaml')
      remembered.write(record('net', 'c.yaml'))
      remembered.write(record('other', 'd.yaml'))
      expect(remembered.names()).toEqual(['net', 'other'])
      expect(remembered.read('net')?.file).toBe('c.yaml')
      expect(readFileSync(join(folder, 'net.json'), 'utf8')).toContain('c.yaml')
      remembered.remove('other')
      expect(remembered.names()).toEqual(['net'])
      expect(remembered.read('other')).toBeUndefined()
    }
    others('e.yaml')
    expect(remembered.read('net')?.file).toBe('e.yaml')
  })
})
