// A TCP server that counts what it gets, and a client that sends. Plain JavaScript: these run as processes of their own,
// each in the network namespace of its host.
//   node transfer.js serve PORT        prints `ready`, takes one connection, answers with the number of bytes at its end
//   node transfer.js send ADDRESS PORT BYTES
import { connect, createServer } from 'node:net'

const [, , role, ...rest] = process.argv
const CHUNK = Buffer.alloc(1 << 20, 'tessera ')

if (role === 'serve') {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let received = 0
    socket.on('data', (data) => {
      received += data.length
    })
    socket.on('end', () => socket.end(String(received)))
    server.close()
  })
  server.listen(Number(rest[0]), '::', () => console.log('ready'))
}

if (role === 'send') {
  const [address = '', port = '', bytes = ''] = rest
  let left = Number(bytes)
  let answer = ''
  const start = process.hrtime.bigint()
  const socket = connect({ host: address, port: Number(port), allowHalfOpen: true, timeout: 15_000 })
  const send = () => {
    while (left > 0) {
      const part = CHUNK.subarray(0, Math.min(left, CHUNK.length))
      left -= part.length
      if (!socket.write(part)) return
    }
    socket.end()
  }
  socket.on('connect', send)
  socket.on('drain', send)
  socket.on('data', (data) => {
    answer += data
  })
  const fail = (why) => {
    console.error(why)
    process.exit(1)
  }
  socket.on('timeout', () => fail(`no progress for 15 s on the way to ${address}`))
  socket.on('error', (error) => fail(error.message))
  socket.on('close', () => {
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    console.log(JSON.stringify({ received: Number(answer), seconds }))
  })
}
