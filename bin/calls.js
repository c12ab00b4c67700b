// A thread that makes system calls for another one: see src/kernel/beside.ts.
import { workerData } from 'node:worker_threads'
import koffi from 'koffi'

const { memory, number, BEGUN, FIRST, ROOM, WORDS, STATE } = workerData
const syscall = koffi.load(null).func('long syscall(long, long, uint64_t, unsigned long)')
const words = new Int32Array(memory)
const addresses = new BigUint64Array(memory)

for (let next = 0; ; next++) {
  let begun = Atomics.load(words, BEGUN)
  for (; begun === next; begun = Atomics.load(words, BEGUN)) Atomics.wait(words, BEGUN, begun)
  if (begun < 0) break
  const at = FIRST + (next % ROOM) * WORDS
  // Whoever wants the result may have begun to make the call.
  if (Atomics.compareExchange(words, at, STATE.waiting, STATE.taken) !== STATE.waiting) continue
  const result = syscall(number, words[at + 2], addresses[(at + 4) / 2], words[at + 3])
  words[at + 1] = result === -1 ? -koffi.errno() : result
  Atomics.store(words, at, STATE.done)
  Atomics.notify(words, at)
}
