import type { Records, Running } from '../engine/plan/records.ts'

/** Records that are read once, for as long as nobody else changes them. */
export class RememberedRecords implements Records {
  private readonly records: Records
  /** Undefined: where there is no record of that name. */
  private known: Map<string, Running | undefined> | undefined
  private all: readonly string[] | undefined

  constructor(records: Records) {
    this.records = records
  }

  /** From now on until disposed, whoever else would write waits. */
  remember(): Disposable {
    this.known = new Map()
    this.all = undefined
    return {
      [Symbol.dispose]: () => {
        this.known = undefined
      },
    }
  }

  names(): readonly string[] {
    if (this.known === undefined) return this.records.names()
    this.all ??= this.records.names()
    return this.all
  }

  read(name: string): Running | undefined {
    const { known, records } = this
    if (known === undefined) return records.read(name)
    if (!known.has(name)) known.set(name, records.read(name))
    return known.get(name)
  }

  stamp(name: string): string | undefined {
    return this.records.stamp(name)
  }

  write(running: Running): void {
    const { name } = running.graph
    this.forget(name)
    this.records.write(running)
    this.known?.set(name, running)
  }

  remove(name: string): void {
    this.forget(name)
    this.records.remove(name)
  }

  isTidy(): boolean {
    return this.records.isTidy()
  }

  tidy(): void {
    this.records.tidy()
  }

  private forget(name: string): void {
    this.known?.delete(name)
    this.all = undefined
  }
}
