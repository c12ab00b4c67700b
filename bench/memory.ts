/**
 * `node --import tsx bench/memory.ts CASE`: what the first compilation adds at most to the memory of a process that has read
 * the data plane, in KiB.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { compileCase } from './codegen.ts'

/** The most that was resident since the kernel was last told to forget (proc(5), /proc/pid/clear_refs and VmHWM). */
function peak(): number {
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kibibytes)
}

const { compileOurs } = await compileCase(process.argv[2] ?? '')
writeFileSync('/proc/self/clear_refs', '5')
const before = peak()
compileOurs()
console.log(peak() - before)
