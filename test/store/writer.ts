/** Writes until it is killed, and says what is acknowledged: `node --import tsx writer.ts FOLDER`. */
import { lockFile } from '../../src/kernel/lock.ts'
import { openEmbedded } from '../../src/store/embedded.ts'

const store = openEmbedded(process.argv[2] ?? '', { lock: lockFile })
const { revision } = await store.list('')
for (let number = revision + 1; ; number++) {
  const value = `${number} ${'x'.repeat((number * 37) % 5000)}`
  await store.commit([
    { put: 'left', value },
    { put: 'right', value },
    { put: `each/${number % 50}`, value },
    { delete: `each/${(number + 25) % 50}` },
  ])
  process.stdout.write(`${number}\n`)
}
