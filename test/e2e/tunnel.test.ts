/** The other end of a tunnel is Linux' own VXLAN device: packets of segments are cut right, by its offloads and without them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { ROOT, run, settled, snapshot, TESSERA, whyNot } from './host.ts'

const reason = whyNot('ip', 'ping', 'iperf3', 'ethtool', 'nsenter')
const [HOST, GATE, PEER] = ['host', 'gate', 'peer'].map(scratch) as [string, string, string]
const [here, there] = ['02:00:00:00:01:01', '02:00:00:00:01:02']

const ends = {
  IPv4: {
    local: '192.0.2.1',
    remote: '192.0.2.2',
    length: 24,
    config: { local: '192.0.2.1', remote: '192.0.2.2' },
    more: '',
  },
  IPv6: {
    local: 'fd00::1',
    remote: 'fd00::2',
    length: 64,
    config: { overIPv6: true, local6: 'fd00::1', remote6: 'fd00::2' },
    more: 'udp6zerocsumrx udp6zerocsumtx',
  },
} as const

/** Words of a command that has to succeed. */
function must(line: string): string {
  const [command = '', ...words] = line.split(' ').filter((word) => word !== '')
  const { code, stdout, stderr } = run(command, ...words)
  if (code !== 0) throw new Error(`${line}: ${stderr}${stdout}`)
  return stdout
}

const within = (namespace: string, line: string): string => must(`nsenter --net=/run/netns/${namespace} ${line}`)

function build({ local, remote, length, more }: (typeof ends)[keyof typeof ends]): void {
  for (const namespace of [HOST, GATE, PEER]) must(`ip netns add ${namespace}`)
  must(`ip link add host0 netns ${HOST} type veth peer name inside netns ${GATE}`)
  must(`ip link add under netns ${GATE} address ${here} type veth peer name peer0 netns ${PEER} address ${there}`)
  for (const [namespace, link] of [
    [HOST, 'host0'],
    [GATE, 'inside'],
    [GATE, 'under'],
    [PEER, 'peer0'],
  ])
    must(`ip -n ${namespace} link set ${link} up promisc on`)
  must(`ip -n ${HOST} addr add 10.9.0.1/24 dev host0`)
  must(`ip -n ${PEER} addr add ${remote}/${length} dev peer0 ${remote.includes(':') ? 'nodad' : ''}`)
  must(`ip -n ${PEER} neigh add ${local} lladdr ${here} dev peer0 nud permanent`)
  must(`ip -n ${PEER} link add vxlan0 type vxlan id 77 local ${remote} remote ${local} dstport 4789 dev peer0 ${more}`)
  must(`ip -n ${PEER} addr add 10.9.0.2/24 dev vxlan0`)
  must(`ip -n ${PEER} link set vxlan0 up`)
}

/** Bytes that arrived. What is on its way when the last is sent, at most a window, is not counted. */
function transferred(...options: readonly string[]): number {
  within(PEER, 'iperf3 --server --one-off --daemon')
  const report = within(HOST, `iperf3 --client 10.9.0.2 --bytes 20M --window 256K --json ${options.join(' ')}`)
  const { end } = JSON.parse(report) as { end: { sum_received: { bytes: number } } }
  return end.sum_received.bytes
}

describe.skipIf(reason !== undefined)(`a tunnel to Linux' VXLAN${reason === undefined ? '' : ` (${reason})`}`, () => {
  test.each(Object.keys(ends) as (keyof typeof ends)[])(
    'over %s',
    (version) => {
      const before = snapshot()
      const folder = mkdtempSync(join(tmpdir(), 'tessera-tunnel-'))
      const file = join(folder, 'tunnel.json')
      const ports = { inside: { interface: 'inside' }, under: { interface: 'under', underlay: true } }
      const config = { id: 77, localMac: here, remoteMac: there, ...ends[version].config }
      const instances = { tunnel: { cube: join(ROOT, 'test/cubes/vxlan'), config, ports } }
      writeFileSync(file, JSON.stringify({ graph: 'tunnel-to-linux', instances }))
      try {
        build(ends[version])
        within(GATE, `${process.execPath} ${TESSERA} apply ${file}`)
        expect(within(HOST, 'ping -c 3 -i 0.2 -W 5 10.9.0.2')).toContain('3 received')
        expect(transferred()).toBeGreaterThan(15_000_000)
        expect(transferred('--reverse')).toBeGreaterThan(15_000_000)
        within(GATE, 'ethtool -K under tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off')
        expect(transferred()).toBeGreaterThan(15_000_000)
      } finally {
        run('nsenter', `--net=/run/netns/${GATE}`, process.execPath, TESSERA, 'delete', file)
        for (const namespace of [HOST, GATE, PEER]) run('ip', 'netns', 'del', namespace)
        rmSync(folder, { recursive: true })
      }
      expect(settled(before)).toEqual(before)
    },
    120_000,
  )
})
