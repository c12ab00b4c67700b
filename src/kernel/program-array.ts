import type { LoadedProgram } from '../backend/machine.ts'
import { viewOf } from '../base/bytes.ts'
import { type Refusal, refusal } from '../base/diagnostic.ts'
import type { MapDescription } from '../isa/program.ts'
import { createMap, programById } from './bpf.ts'
import { check, ERRNO } from './errno.ts'
import { close } from './ffi.ts'
import { kernelProgram } from './links.ts'
import { type Entry, isMapLike, KernelMap, shapeOf } from './maps.ts'
import { kindOf, type Owner } from './objects.ts'
import { openPin, pin } from './pins.ts'

/** What programs go over to by a tail call (Linux 4.2; from functions, 5.10). */
export class ProgramArray extends KernelMap {
  readonly #name: string

  constructor(name: string, description: MapDescription, fd: number, owner?: Owner) {
    super(name, description, fd, owner)
    this.#name = name
  }

  static override create(name: string, description: MapDescription, owner?: Owner): KernelMap {
    const fd = createMap(name, shapeOf(description))
    return new ProgramArray(name, description, check(fd, 'map', `create the map "${name}"`), owner)
  }

  static override open(path: string, description: MapDescription, owner?: Owner): KernelMap | undefined {
    const fd = openPin(path)
    if (fd === undefined) return undefined
    if (kindOf(fd) === 'map' && isMapLike(fd, description)) return new ProgramArray(path, description, fd, owner)
    close(fd)
    return undefined
  }

  override install(index: number, program: LoadedProgram): void {
    super.update(word(index), word(kernelProgram(program).fd))
  }

  override pinProgram(index: number, path: string): boolean {
    const found = super.lookup(word(index))
    const fd = found === undefined ? -ERRNO.ENOENT : programById(viewOf(found).getUint32(0, true))
    if (fd === -ERRNO.ENOENT || fd === -ERRNO.EPERM) return false
    try {
      pin(path, check(fd, 'map', `open a program of the map "${this.#name}"`))
      return true
    } finally {
      if (fd >= 0) close(fd)
    }
  }

  override lookup(_key: Uint8Array): Uint8Array | undefined {
    throw this.#refused()
  }

  override update(_key: Uint8Array, _value: Uint8Array): boolean {
    throw this.#refused()
  }

  override entries(): readonly Entry[] {
    throw this.#refused()
  }

  #refused(): Refusal {
    return refusal(`the map "${this.#name}" holds programs: they can only be installed and deleted`)
  }
}

function word(number: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, number, true)
  return bytes
}
