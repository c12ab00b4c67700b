import { packet } from '../../../src/testing/index.ts'
import type { CodegenCase } from '../../codegen.ts'

const [alice, bob] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b']

/** Both stations known and fresh: the way that nearly every frame takes. */
const codegenCase: CodegenCase = {
  prepare({ stations }, now) {
    stations?.set({ address: alice }, { port: 0, seen: now })
    stations?.set({ address: bob }, { port: 1, seen: now })
  },
  packets: [packet().ethernet({ source: alice, destination: bob }).ipv4().udp().bytes()],
}

export default codegenCase
