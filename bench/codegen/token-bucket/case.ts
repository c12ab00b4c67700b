import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const source = '10.0.0.1'

/** A bucket that lasts for all rounds: the way of whoever keeps to the rate. */
const codegenCase: CodegenCase = {
  prepare({ buckets }, now) {
    buckets?.set({ source }, { credit: 10_000_000_000n, updated: now })
  },
  packets: [packet().ethernet().ipv4({ source, destination: '10.0.0.2' }).udp().bytes()],
}

export default codegenCase
