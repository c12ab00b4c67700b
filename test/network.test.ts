/** Networks in user space: hosts at the ports of graph files, and a clock that is moved by hand. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dissect, type HostOptions, openNetwork } from '../src/testing/index.ts'

const example = (name: string) => join(import.meta.dirname, '../examples', name)

const host = (number: number, more: Partial<HostOptions> = {}): HostOptions => ({
  mac: `02:00:00:00:00:0${number}`,
  ipv4: `10.0.0.${number}/24`,
  ipv6: `fd00::${number}/64`,
  ...more,
})
const HOSTS = { alice: host(1), bob: host(2), carol: host(3) }

describe.each(['tc ingress', 'xdp'] as const)('at %s', (at) => {
  test('hosts on a switch ping, send datagrams and connect', async () => {
    using network = await openNetwork(example('bridge.yaml'), HOSTS, at)
    const { alice, bob, carol } = network.hosts
    expect([alice.ping('10.0.0.2'), carol.ping('fd00::1')]).toEqual([true, true])
    expect(bob.udp('fd00::3', 7, Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(1, 2, 3))
    const connection = bob.connect('10.0.0.1', 7)
    connection?.send(new Uint8Array(5000))
    expect(connection).toMatchObject({ state: 'established', received: new Uint8Array(5000) })
    expect(alice.connect('10.0.0.2', 80)).toMatchObject({ state: 'closed', isReset: true })
    expect(alice.ping('10.0.0.77')).toBe(false)
  })

  test('VLANs on one switch do not meet', async () => {
    const tagged = { alice: host(1, { vlan: 10 }), bob: host(2, { vlan: 10 }), carol: host(3, { vlan: 20 }) }
    using network = await openNetwork(example('bridge.yaml'), tagged, at)
    expect(network.hosts.alice.ping('10.0.0.2')).toBe(true)
    expect(network.hosts.alice.ping('10.0.0.3')).toBe(false)
    expect(network.hosts.carol.counters.received).toBe(0)
  })

  test('a firewall: pings pass, datagrams do not, and the drops have a reason', async () => {
    const hosts = { inside: host(1), 'firewall:outside': host(2, { echoPorts: [22, 23] }) }
    using network = await openNetwork(example('firewall.yaml'), hosts, at)
    const { inside } = network.hosts
    expect(inside.ping('10.0.0.2')).toBe(true)
    expect(inside.udp('10.0.0.2', 22)).toBeUndefined()
    expect(inside.connect('10.0.0.2', 22)?.state).toBe('syn-sent')
    expect(inside.connect('10.0.0.2', 23)?.state).toBe('syn-sent')
    const [instance] = (await network.status()).instances
    const drops = instance?.ports.map(({ name, drops }) => [name, Number(drops.denied?.packets ?? 0n)])
    // To port 23, and the datagram; from port 22, the answer, for the rule is about one direction.
    expect(drops).toEqual([
      ['inside', 2],
      ['outside', 1],
    ])
  })
})

test('time stands still until it is advanced: stations age', async () => {
  using network = await openNetwork(example('bridge.yaml'), HOSTS)
  const { alice, carol } = network.hosts
  alice.ping('10.0.0.2')
  const before = carol.counters.ignored
  alice.ping('10.0.0.2')
  expect(carol.counters.ignored).toBe(before)
  network.machine.clock.advance(301_000_000_000n)
  alice.ping('10.0.0.2')
  expect(carol.counters.ignored).toBe(before + 1)
})

test('the same calls make the same frames', async () => {
  const record = async () => {
    using network = await openNetwork(example('hub.yaml'), { left: host(1) })
    const frames: string[] = []
    const peer = host(2)
    network.machine.plug('tess-right', {
      receive: (frame) =>
        void frames.push(
          JSON.stringify(dissect(frame), (_, value) => (typeof value === 'bigint' ? String(value) : value)),
        ),
    })
    network.hosts.left.ping('10.0.0.2')
    network.hosts.left.ping(peer.ipv6?.split('/')[0] ?? '')
    return frames
  }
  const first = await record()
  expect(first).toHaveLength(2)
  expect(await record()).toEqual(first)
})

test('a host at a port that is not there', async () => {
  await expect(openNetwork(example('hub.yaml'), { lift: host(1) })).rejects.toThrow(/did you mean left\?/)
})
