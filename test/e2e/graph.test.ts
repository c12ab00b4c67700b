/** A graph between network namespaces, the host's own stack and a bridge of the kernel: all of them reach each other. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { run, settled, snapshot, TESSERA, whyNot } from './host.ts'

const reason = whyNot('ip', 'ping', 'nsenter')
const [HERE, BLUE, RED] = ['here', 'blue', 'red'].map(scratch) as [string, string, string]

const GRAPH = `
graph: pods
instances:
  one:
    cube: bridge
    ports:
      blue: { interface: eth0, namespace: ${BLUE} }
      stack: { host: self }
      left: { to: two.right }
      middle: { interface: left }
  two:
    cube: bridge
    ports:
      right: {}
  three:
    cube: bridge
    ports:
      middle: { interface: right }
      red: { interface: eth0, namespace: ${RED} }
`

/** Words of a command that has to succeed. */
function must(line: string): string {
  const [command = '', ...words] = line.split(' ')
  const { code, stdout, stderr } = run(command, ...words)
  if (code !== 0) throw new Error(`${line}: ${stderr}${stdout}`)
  return stdout
}

const within = (namespace: string, line: string): string => must(`nsenter --net=/run/netns/${namespace} ${line}`)

function build(): void {
  for (const namespace of [HERE, BLUE, RED]) must(`ip netns add ${namespace}`)
  for (const [namespace, end, address] of [
    [BLUE, 'blue0', '10.9.0.1'],
    [RED, 'red0', '10.9.0.2'],
  ]) {
    must(`ip link add eth0 netns ${namespace} type veth peer name ${end} netns ${HERE}`)
    must(`ip -n ${namespace} addr add ${address}/24 dev eth0`)
    must(`ip -n ${namespace} link set eth0 up`)
    must(`ip -n ${HERE} link set ${end} up`)
  }
  // A foreign bridge, between two cubes.
  must(`ip -n ${HERE} link add foreign type bridge`)
  for (const end of ['left', 'right']) {
    must(`ip -n ${HERE} link add ${end} type veth peer name ${end}-port`)
    must(`ip -n ${HERE} link set ${end}-port master foreign`)
  }
  must(`ip -n ${HERE} link add self type veth peer name nobody`)
  must(`ip -n ${HERE} addr add 10.9.0.3/24 dev self`)
  for (const link of ['foreign', 'left', 'left-port', 'right', 'right-port', 'self', 'nobody'])
    must(`ip -n ${HERE} link set ${link} up`)
}

describe.skipIf(reason !== undefined)(`a graph of namespaces${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('all reach each other', () => {
    const before = snapshot()
    const folder = mkdtempSync(join(tmpdir(), 'tessera-graph-'))
    const file = join(folder, 'pods.yaml')
    writeFileSync(file, GRAPH)
    try {
      build()
      within(HERE, `${process.execPath} ${TESSERA} apply ${file}`)
      for (const [from, to] of [
        [BLUE, '10.9.0.2'],
        [BLUE, '10.9.0.3'],
        [RED, '10.9.0.1'],
        [RED, '10.9.0.3'],
        [HERE, '10.9.0.1'],
        [HERE, '10.9.0.2'],
      ] as const)
        expect(within(from, `ping -c 2 -i 0.2 -W 5 ${to}`)).toContain('2 received')
    } finally {
      run('nsenter', `--net=/run/netns/${HERE}`, process.execPath, TESSERA, 'delete', file)
      for (const namespace of [HERE, BLUE, RED]) run('ip', 'netns', 'del', namespace)
      rmSync(folder, { recursive: true })
    }
    expect(settled(before)).toEqual(before)
  }, 60_000)
})
