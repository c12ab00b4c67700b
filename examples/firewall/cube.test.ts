import { onEveryMachine, packet } from 'tessera/testing'
import { expect, test } from 'vitest'
import type { firewall } from './schema.ts'

onEveryMachine('firewall', (openLab) => {
  const open = () =>
    openLab<typeof firewall>({
      cube: import.meta.dirname,
      ports: { inside: {}, outside: {} },
      config: {
        rules: [
          { source: '10.66.0.0/16', action: 'deny' },
          { source: '10.0.0.0/8', protocol: 'tcp', ports: { first: 22, last: 23 }, action: 'accept' },
          { destination: 'fd00:1::/32', protocol: 'udp', ports: { first: 53, last: 53 }, action: 'accept' },
          { protocol: 'icmpv6', action: 'accept' },
        ],
      },
    })
  const ethernet = packet().ethernet()
  const ssh = ethernet.ipv4({ source: '10.1.2.3', destination: '192.0.2.1' }).tcp({ destinationPort: 22 })
  const dns = ethernet.ipv6({ destination: 'fd00:1::53' }).udp({ destinationPort: 53 })

  test.each([
    ['SSH from inside', ssh],
    ['the last port of a range', ssh.change('tcp', { destinationPort: 23 })],
    ['SSH behind IPv4 options', ssh.change('ipv4', { options: new Uint8Array(8) })],
    ['DNS over IPv6', dns],
    ['a ping over IPv6', ethernet.ipv6().icmpv6()],
    ['ARP', ethernet.arp()],
  ])('lets through %s', async (_, frame) => {
    using lab = await open()
    expect(lab.send('inside', frame.bytes())).toEqual({ outside: [frame.bytes()] })
  })

  test.each([
    ['what an earlier rule denies', ssh.change('ipv4', { source: '10.66.0.1' }), 'denied'],
    ['another source', ssh.change('ipv4', { source: '11.0.0.1' }), 'denied'],
    ['the port behind a range', ssh.change('tcp', { destinationPort: 24 }), 'denied'],
    [
      'the right port of another protocol',
      ethernet.ipv4({ source: '10.1.2.3' }).udp({ destinationPort: 22 }),
      'denied',
    ],
    ['DNS to elsewhere', dns.change('ipv6', { destination: 'fd00:2::53' }), 'denied'],
    ['a ping over IPv4', ethernet.ipv4().icmp(), 'denied'],
    ['a later fragment', ssh.change('ipv4', { fragmentOffset: 100 }), 'fragment'],
    ['an unknown EtherType', ethernet.payload(46), 'denied'],
  ] as const)('stops %s', async (_, frame, reason) => {
    using lab = await open()
    expect(lab.send('inside', frame.bytes())).toEqual({})
    expect(Object.keys(lab.counters('inside').drops)).toEqual([reason])
  })

  test('lets through the rest when told so', async () => {
    using lab = await open()
    await lab.apply({ config: { otherwise: 'accept' } })
    const frame = ethernet.ipv4().icmp().bytes()
    expect(lab.send('inside', frame)).toEqual({ outside: [frame] })
  })
})
