import { release } from 'node:os'
import { Refusal, refusal } from '../base/diagnostic.ts'
import { encode } from '../isa/encode.ts'
import { ALU, CLASS, JMP } from '../isa/opcodes.ts'
import { loadProgram, PROG_TYPE } from './bpf.ts'
import { requireLastingMount } from './bpffs.ts'
import { missingCapabilities } from './capabilities.ts'
import { ERRNO, errnoName } from './errno.ts'
import { close, unreachable } from './ffi.ts'

/**
 * The oldest kernel that can run what the compiler makes: atomic operations that return the old value are of 5.12, and
 * 5.11 was the first that counts maps as memory of the control group instead of against RLIMIT_MEMLOCK.
 */
const OLDEST = [5, 12] as const

const REMEDY = 'everything but real interfaces works without the kernel: try --machine vm'

/** One clear refusal where the kernel machine cannot work, in the order in which a person would find out. */
export function requireKernel(): void {
  const reason = whyNot()
  if (reason !== undefined) throw reason
  requireLastingMount()
}

/**
 * Why tests and demos cannot have the kernel here, in a line; undefined where they can. They make network namespaces with
 * wires in them, which takes more than programs do.
 */
export function whyNoKernel(): string | undefined {
  try {
    requireKernel()
  } catch (error) {
    if (error instanceof Refusal) return error.diagnostics[0]?.message
    throw error
  }
  const missing = missingCapabilities(['CAP_SYS_ADMIN', 'CAP_NET_RAW'])
  return missing.length === 0 ? undefined : `${missing.join(' and ')} missing`
}

function whyNot(): Refusal | undefined {
  const cannot = (why: string, remedy = REMEDY) => refusal(`the kernel machine cannot run here: ${why}`, remedy)
  const platform = unreachable()
  if (platform !== undefined) return cannot(platform)
  if (isTooOld(release())) return cannot(`Linux ${release()} is older than ${OLDEST.join('.')}`)
  const missing = missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'])
  if (missing.length > 0) {
    return cannot(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`, `run with sudo; ${REMEDY}`)
  }
  const fd = loadProgram({ type: PROG_TYPE.tc, name: 'probe', instructions: RETURN_ZERO })
  if (fd >= 0) {
    close(fd)
    return undefined
  }
  if (fd === -ERRNO.ENOSYS) return cannot('this kernel is built without bpf(2)')
  if (fd === -ERRNO.EPERM) {
    return cannot('bpf(2) is forbidden, though the capabilities are there: by a container, seccomp, or lockdown')
  }
  return cannot(`the smallest program does not load (${errnoName(fd)})`)
}

export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}

const RETURN_ZERO = encode([
  { opcode: CLASS.alu64 | ALU.mov, dst: 0, src: 0, offset: 0, imm: 0 },
  { opcode: CLASS.jmp | JMP.exit, dst: 0, src: 0, offset: 0, imm: 0 },
])
