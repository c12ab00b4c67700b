/** `generator.ts INTERFACE PER_MILLISECOND`: sends packets until its input ends, and says how many. */
import { concat } from '../../src/base/bytes.ts'
import { RawSocket } from '../../src/kernel/raw-socket.ts'
import { packet } from '../../src/testing/packet.ts'
import { CUBES, ETHER_TYPE } from './trail.ts'

const [name = '', rate = '1'] = process.argv.slice(2)
using socket = RawSocket.open(name)
const head = packet()
  .ethernet({ source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' })
  .change('ethernet', { type: ETHER_TYPE })
const frame = concat(head.bytes().subarray(0, 14), new Uint8Array(CUBES), new Uint8Array(60 - 14 - CUBES))
let isOver = false
process.stdin.once('end', () => {
  isOver = true
})
process.stdin.resume()
let sent = 0
const start = performance.now()
while (!isOver) {
  const due = (performance.now() - start) * Number(rate)
  // What is late is not made up for at once, which no queue would have room for.
  for (let burst = 0; sent < due && burst < 64; burst++, sent++) socket.send(frame)
  await new Promise((resolve) => setTimeout(resolve, 1))
}
console.log(sent)
