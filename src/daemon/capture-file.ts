/** A file that can be read whatever happens next. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { refusal } from '../base/diagnostic.ts'

export interface CaptureFile extends Disposable {
  /** Takes whole blocks or records: where not all of them fit, none of them stays. */
  readonly put: (bytes: Uint8Array) => void
}

/** A Refusal where it cannot be written, now or later. */
export function createCaptureFile(file: string, remedy?: string): CaptureFile {
  const trying = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw refusal(`cannot write ${file}: ${error instanceof Error ? error.message : error}`, remedy)
    }
  }
  const descriptor = trying(() => openSync(file, 'w'))
  let written = 0
  const put = (bytes: Uint8Array): void => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at)
      written += bytes.length
    } catch (error) {
      cut(descriptor, written)
      throw error
    }
  }
  return { put: (bytes) => trying(() => put(bytes)), [Symbol.dispose]: () => closeSync(descriptor) }
}

function cut(descriptor: number, size: number): void {
  try {
    ftruncateSync(descriptor, size)
  } catch {
    // What cannot be cut is no regular file, and then nobody reads it later.
  }
}
