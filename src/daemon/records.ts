import { readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { refusal } from '../base/diagnostic.ts'
import type { Records, Running } from '../engine/plan/records.ts'
import { fileFailure } from '../kernel/errno.ts'
import { exchangeFiles } from '../kernel/ffi.ts'
import { makeFolder } from '../kernel/folder.ts'

/** Ends the name of a record that is being written. */
const BESIDE = '.new'

/** One JSON file a graph, where files are gone after a reboot, as pinned objects are. */
export class FileRecords implements Records {
  private readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    for (const name of this.names()) if (this.isEmpty(name)) rmSync(this.fileOf(name), { force: true })
  }

  names(): readonly string[] {
    return this.files('.json')
      .map((file) => file.slice(0, -'.json'.length))
      .sort()
  }

  isTidy(): boolean {
    return this.files(BESIDE).length === 0
  }

  tidy(): void {
    for (const file of this.files(BESIDE)) rmSync(join(this.folder, file), { force: true })
  }

  private files(ending: string): readonly string[] {
    try {
      return readdirSync(this.folder).filter((file) => file.endsWith(ending))
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
    if (text === '') return undefined
    try {
      return JSON.parse(text) as Running
    } catch (error) {
      throw refusal(`${file} cannot be read`, `remove it, and then run tessera delete ${name}`, undefined, error)
    }
  }

  stamp(name: string): string | undefined {
    const found = statSync(this.fileOf(name), { bigint: true, throwIfNoEntry: false })
    return found && `${found.ino} ${found.mtimeNs}`
  }

  /** Written beside and put in its place: a reader finds the old record or the new one. */
  write(running: Running): void {
    const file = this.fileOf(running.graph.name)
    try {
      this.writeBeside(file + BESIDE, JSON.stringify(running))
      takePlace(file + BESIDE, file)
    } catch (error) {
      rmSync(file + BESIDE, { force: true })
      throw fileFailure('record', `write ${file}`, error)
    }
  }

  private writeBeside(file: string, text: string): void {
    try {
      writeFileSync(file, text)
    } catch (error) {
      if (!isAbsent(error)) throw error
      makeFolder(this.folder)
      writeFileSync(file, text)
    }
  }

  remove(name: string): void {
    rmSync(this.fileOf(name) + BESIDE, { force: true })
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

  private isEmpty(name: string): boolean {
    return statSync(this.fileOf(name), { throwIfNoEntry: false })?.size === 0
  }

  private fileOf(name: string): string {
    return join(this.folder, `${name}.json`)
  }
}

/**
 * Exchanged, because to rename over a file is what disks wait for (ext4, auto_da_alloc), and on some hosts /run is on one. Nothing
 * has to last there: when the machine goes down, so does what the record is about, and a record that is empty afterwards is none,
 * and removed.
 */
function takePlace(fresh: string, file: string): void {
  if (exchangeFiles(fresh, file) < 0) renameSync(fresh, file)
  else unlinkSync(fresh)
}

const isAbsent = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
