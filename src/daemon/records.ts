import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import type { Records, Running } from '../engine/records.ts'
import { fileFailure } from '../kernel/errno.ts'
import { makeFolder } from '../kernel/folder.ts'

/** One JSON file a graph. They lie on a tmpfs, and so are gone after a reboot, as pinned objects are. */
export class FileRecords implements Records {
  private readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  names(): readonly string[] {
    try {
      return readdirSync(this.folder)
        .filter((file) => file.endsWith('.json'))
        .map((file) => file.slice(0, -'.json'.length))
        .sort()
    } catch (error) {
      if (isAbsent(error)) return []
      throw error
    }
  }

  read(name: string): Running | undefined {
    const file = this.fileOf(name)
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      if (isAbsent(error)) return undefined
      throw error
    }
    try {
      return JSON.parse(text) as Running
    } catch (error) {
      throw refusal(`${file} cannot be read`, `remove it, and then run tessera delete ${name}`, undefined, error)
    }
  }

  /** Written beside and renamed: a reader finds the old record or the new one. */
  write(running: Running): void {
    const file = this.fileOf(running.graph.name)
    try {
      makeFolder(this.folder)
      writeFileSync(`${file}.new`, JSON.stringify(running))
      renameSync(`${file}.new`, file)
    } catch (error) {
      rmSync(`${file}.new`, { force: true })
      throw fileFailure('record', `write ${file}`, error)
    }
  }

  remove(name: string): void {
    rmSync(`${this.fileOf(name)}.new`, { force: true })
    rmSync(this.fileOf(name), { force: true })
    for (const folder of [this.folder, dirname(this.folder)]) {
      try {
        rmdirSync(folder)
      } catch {
        // Not empty: somebody else's records, or a lock.
        return
      }
    }
  }

  private fileOf(name: string): string {
    return join(this.folder, `${name}.json`)
  }
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
