import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const request = (line: string) =>
  packet()
    .ethernet()
    .ipv4()
    .tcp({ destinationPort: 80, ack: 1, syn: 0 })
    .payload(`${line}\r\nHost: www.example.net\r\nAccept: */*\r\nUser-Agent: nobody-in-particular/1.0\r\n\r\n`)
    .bytes()

const codegenCase: CodegenCase = {
  prepare() {},
  packets: [request('GET / HTTP/1.1'), request('GET /a/longer/way/to/the/same/page HTTP/1.1'), request('x'.repeat(80))],
}

export default codegenCase
